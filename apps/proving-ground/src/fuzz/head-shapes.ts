import { closing, lengthOf, plain, send, type WeightedShape } from './http-text.ts'

/** What the head of a request says. */
export const headShapes: readonly WeightedShape[] = [
  [
    8,
    [
      'target form',
      (dice, call, host) => {
        const path = dice.pick([
          `http://${host}${call.path}`,
          `http://evil.example${call.path}`,
          '*',
          host,
          `//${host}${call.path}`,
          `${call.path}\u0000`,
          `/ ${call.path}`,
          call.path.replaceAll('/', '\\'),
          `${call.path};x`,
          'http://[::1]:99999/',
          '/%',
          `/${'p'.repeat(9_000)}`,
        ])
        const method = dice.pick(['POST', 'POST', 'GET', 'CONNECT', 'OPTIONS'])
        return { steps: [send(plain({ ...call, path, method }, host, closing))] }
      },
    ],
  ],
  [
    6,
    [
      'method',
      (dice, call, host) => {
        const method = dice.pick([
          'post',
          'BREW',
          'PRI',
          'TRACE',
          'PURGE',
          'M-SEARCH',
          'QUERY',
          'P OST',
          'POST\t',
          '',
          'A'.repeat(5_000),
          'DELETE',
          'GET',
          'LINK',
        ])
        return { steps: [send(plain({ ...call, method }, host, closing))] }
      },
    ],
  ],
  [
    8,
    [
      'host and origin',
      (dice, call, host) => {
        const lines = dice.pick([
          ['host: evil.example'],
          ['host: 127.0.0.1.nip.io'],
          ['host:'],
          [],
          [`host: ${host}`, 'host: evil.example'],
          [`host: ${host}@evil.example`],
          ['host: [::1]'],
          ['host: localhost.'],
          ['host: 2130706433'],
          [`host: ${host}`, 'origin: https://evil.example'],
          [`host: ${host}`, 'origin: null', 'sec-fetch-site: cross-site', 'sec-fetch-mode: no-cors'],
          [`host: ${host}`, `origin: http://${host}`, 'sec-fetch-site: same-origin'],
          [`host: ${host}`, 'sec-fetch-site: same-site'],
          [`host: ${'h'.repeat(3_000)}`],
        ])
        const head = [`POST ${call.path} HTTP/1.1`, ...lines, ...call.headers, lengthOf(call), ...closing]
        return { steps: [send(`${head.join('\r\n')}\r\n\r\n`), send(call.body)] }
      },
    ],
  ],
  [
    6,
    [
      'header syntax',
      (dice, call, host) => {
        const line = dice.pick([
          'x: a\u0000b',
          'x : y',
          ' folded',
          'x: a\r\n b',
          'x',
          ': y',
          'x: \u0007',
          'ü: 1',
          'x: a\rb',
          'x: a\nb: c',
          `x: ${'y'.repeat(20_000)}`,
          ...[Array.from({ length: 2_500 }, (_, n) => `h${n}: 1`).join('\r\n')],
        ])
        return { steps: [send(plain(call, host, [line, ...closing]))] }
      },
    ],
  ],
  [
    5,
    [
      'version and upgrade',
      (dice, call, host) => {
        const version = dice.pick([
          'HTTP/1.0',
          'HTTP/0.9',
          'HTTP/1.2',
          'HTTP/2.0',
          'http/1.1',
          'HTTP/1.1 ',
          '',
        ])
        const more = dice.pick([
          [],
          ['upgrade: websocket', 'connection: upgrade'],
          ['upgrade: h2c', 'connection: upgrade, http2-settings', 'http2-settings: AAMAAABkAAQAAP__'],
        ])
        const text = plain(call, host, more).toString('latin1').replace('HTTP/1.1', version)
        return { steps: [send(text)] }
      },
    ],
  ],
  [
    3,
    [
      'garbage',
      (dice) => ({
        steps: [
          send(
            dice.pick([
              dice.bytes(dice.size(60, 3_000)),
              Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
              Buffer.from('160301020001000001fc0303', 'hex'),
              Buffer.from('\r\n'.repeat(200)),
              Buffer.from('GET\r\n\r\n'),
              Buffer.alloc(300),
            ]),
          ),
        ],
      }),
    ],
  ],
]

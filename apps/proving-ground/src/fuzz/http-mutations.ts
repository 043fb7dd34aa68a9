import { type Dice, weights } from './dice.ts'
import type { FuzzRequest, Step } from './fuzz-case.ts'
import type { CallText } from './requests.ts'

/** How long a client waits for an answer to something that may not be a whole request, in milliseconds. */
const patience = 120

type Shape = (
  dice: Dice,
  call: CallText,
  host: string,
) => Partial<FuzzRequest> & { readonly steps: readonly Step[] }

/** Puts a call into HTTP: as it should be on a shared connection, or in an odd shape on one of its own. */
export function httpRequest(dice: Dice, call: CallText, host: string, isOdd: boolean): FuzzRequest {
  const usual = { isShared: false, answers: 1, isHead: false, api: call.api, stream: call.stream } as const
  if (!isOdd) {
    const kind = `body: ${call.kind}`
    return { ...usual, kind, isShared: true, steps: [send(plain(call, host))] }
  }
  const [name, shape] = dice.weighted(shapes)
  const shaped = shape(dice, call, host)
  const isSure = 'answers' in shaped ? shaped.answers !== undefined : false
  return {
    ...usual,
    answers: undefined,
    ...(isSure ? {} : { leavesAfter: patience }),
    ...shaped,
    kind: `http: ${name}`,
  }
}

const send = (bytes: Buffer | string): Step => ({
  do: 'send',
  bytes: typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes,
})
const wait = (ms: number): Step => ({ do: 'wait', ms })

/** Every header, with this framing in place of the usual. */
function headOf(
  call: CallText,
  host: string,
  framing: readonly string[],
  more: readonly string[] = [],
): string {
  const lines = [
    `${call.method} ${call.path} HTTP/1.1`,
    `host: ${host}`,
    ...call.headers,
    ...more,
    ...framing,
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

const lengthOf = ({ body }: CallText): string => `content-length: ${body.length}`

function plain(call: CallText, host: string, more: readonly string[] = []): Buffer {
  return Buffer.concat([Buffer.from(headOf(call, host, [lengthOf(call)], more), 'latin1'), call.body])
}

const closing = ['connection: close']

function chunked(dice: Dice, body: Buffer, isBroken: boolean): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const length = Math.min(body.length - at, dice.size(200, 20_000))
    const extension = dice.chance(0.1) ? ';name="value"' : ''
    const size = dice.chance(0.1) ? `000${length.toString(16).toUpperCase()}` : length.toString(16)
    parts.push(Buffer.from(`${size}${extension}\r\n`), body.subarray(at, at + length), Buffer.from('\r\n'))
    at += length
  }
  parts.push(Buffer.from(dice.chance(0.1) ? '0\r\nx-trailer: 1\r\n\r\n' : '0\r\n\r\n'))
  if (isBroken) {
    const at = dice.int(parts.length)
    parts[at] = Buffer.from(
      dice.pick([
        '-1\r\n',
        'fffffffffffffffff\r\n',
        'g\r\n',
        '\r\n',
        '0x10\r\n',
        ' 5\r\n',
        '5\n',
        '0\r\n',
        '',
        '5;\u0000\r\n',
        `5;${'e'.repeat(20_000)}\r\n`,
      ]),
    )
  }
  return Buffer.concat(parts)
}

const shapes = weights<readonly [string, Shape]>([
  [
    14,
    [
      'chunked',
      (dice, call, host) => ({
        steps: [
          send(headOf(call, host, ['transfer-encoding: chunked'], closing)),
          send(chunked(dice, call.body, false)),
        ],
        answers: 1,
      }),
    ],
  ],
  [
    8,
    [
      'broken chunks',
      (dice, call, host) => ({
        steps: [
          send(headOf(call, host, ['transfer-encoding: chunked'], closing)),
          send(chunked(dice, call.body, true)),
        ],
      }),
    ],
  ],
  [
    12,
    [
      'split',
      (dice, call, host) => {
        const bytes = plain(call, host, closing)
        const cuts = Array.from({ length: dice.between(1, 6) }, () => dice.int(bytes.length)).sort(
          (a, b) => a - b,
        )
        const steps: Step[] = []
        let from = 0
        for (const cut of [...cuts, bytes.length]) {
          steps.push(send(bytes.subarray(from, cut)))
          if (dice.chance(0.5)) steps.push(wait(dice.int(8)))
          from = cut
        }
        return { steps, answers: 1 }
      },
    ],
  ],
  [
    10,
    [
      'two lengths',
      (dice, call, host) => {
        const length = call.body.length
        const framing = dice.pick([
          [`content-length: ${length}`, `content-length: ${length}`],
          [`content-length: ${length}`, 'content-length: 0'],
          [`content-length: ${length}`, 'transfer-encoding: chunked'],
          ['transfer-encoding: chunked', 'content-length: 5'],
          ['transfer-encoding: chunked, identity'],
          ['transfer-encoding: xchunked'],
          ['transfer-encoding: gzip, chunked'],
          ['transfer-encoding:\tchunked'],
          [`content-length: ${length}, ${length}`],
          [`content-length: +${length}`],
          [`content-length: 0x${length.toString(16)}`],
          ['content-length: -1'],
          ['content-length: 99999999999999999999'],
          [`content-length: ${length}`, 'Transfer-Encoding : chunked'],
        ])
        return { steps: [send(headOf(call, host, framing, closing)), send(call.body)] }
      },
    ],
  ],
  [
    10,
    [
      'wrong length',
      (dice, call, host) => {
        const length = Math.max(0, call.body.length + dice.pick([-50, -1, 1, 50, 1_000_000]))
        return { steps: [send(headOf(call, host, [`content-length: ${length}`])), send(call.body)] }
      },
    ],
  ],
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
    7,
    [
      'pipelined',
      (dice, call, host) => {
        const probe = Buffer.from(
          `GET ${dice.pick(['/healthz', '/readyz', '/nothing'])} HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
        )
        const before = Array.from({ length: dice.int(3) }, () => probe)
        const after = Array.from({ length: dice.int(3) }, () => probe)
        const all = [...before, plain(call, host), ...after]
        return { steps: [send(Buffer.concat(all))], answers: all.length }
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
    4,
    [
      'expect',
      (dice, call, host) => {
        const isUsual = dice.chance(0.6)
        const head = headOf(
          call,
          host,
          [lengthOf(call)],
          [`expect: ${isUsual ? '100-continue' : dice.pick(['200-ok', '', '100-continue, x'])}`, ...closing],
        )
        return { steps: [send(head), wait(dice.int(10)), send(call.body)] }
      },
    ],
  ],
  [
    3,
    [
      'content encoding',
      (dice, call, host) => ({
        steps: [
          send(
            plain(call, host, [
              `content-encoding: ${dice.pick(['gzip', 'br', 'identity', 'deflate, gzip', ''])}`,
              ...closing,
            ]),
          ),
        ],
        answers: 1,
      }),
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
  [
    12,
    [
      'leaves early',
      (dice, call, host) => {
        const bytes = plain(call, host)
        const cut = dice.chance(0.3) ? bytes.length : dice.int(bytes.length)
        return {
          steps: [
            send(bytes.subarray(0, cut)),
            wait(dice.int(30)),
            dice.chance(0.5) ? { do: 'reset' } : { do: 'end' },
          ],
          leavesAfter: 0,
        }
      },
    ],
  ],
  [
    8,
    [
      'leaves in the answer',
      (dice, call, host) => ({
        steps: [send(plain(call, host))],
        answers: 1,
        leavesAfterAnswer: dice.int(5),
      }),
    ],
  ],
  [
    6,
    [
      'twice on one connection',
      (dice, call, host) => ({
        // The answer to the first may come before the second is sent, or not.
        steps: [
          send(plain(call, host)),
          wait(dice.int(40)),
          send(`GET /healthz HTTP/1.1\r\nhost: ${host}\r\n\r\n`),
        ],
        answers: 2,
      }),
    ],
  ],
])

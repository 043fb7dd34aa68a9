import type { Step } from './fuzz-case.ts'
import { chunked, closing, headOf, lengthOf, plain, send, type WeightedShape, wait } from './http-text.ts'

/** How a request is framed, cut and ended. */
export const framingShapes: readonly WeightedShape[] = [
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
]

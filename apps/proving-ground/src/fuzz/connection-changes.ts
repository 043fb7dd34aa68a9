import type { WeightedChange } from './answer-change.ts'
import { bytesOf, eventText, headOf } from './answer-draft.ts'
import { mutateBytes } from './byte-mutations.ts'

/** Changes of how an answer is framed and sent. */
export const connectionChanges: readonly WeightedChange[] = [
  [
    3,
    [
      'bytes of the connection',
      (dice, draft) => [
        { do: 'send', bytes: mutateBytes(bytesOf(draft).bytes, dice, 1) },
        { do: 'wait', ms: 2 },
        { do: dice.pick(['end', 'reset']) },
      ],
    ],
  ],
  [
    3,
    [
      'length',
      (dice, draft) => {
        const head = headOf({ ...draft, framing: 'length' }).replace(/content-length: (\d+)/, (_, length) => {
          return `content-length: ${dice.pick([Number(length) + 10, Math.max(0, Number(length) - 10), 0, '1e3', '-5', `${length}, ${length}`, 99_999_999_999])}`
        })
        return [
          { do: 'send', bytes: Buffer.concat([Buffer.from(head, 'latin1'), draft.body]) },
          { do: 'wait', ms: dice.int(4) },
          { do: 'end' },
        ]
      },
    ],
  ],
  [
    3,
    [
      'chunks',
      (dice, draft) => {
        const head = headOf({ ...draft, framing: 'chunked' })
        const size = dice.pick([
          '-1',
          'fffffffff',
          'g',
          '',
          '0',
          `0x${draft.body.length.toString(16)}`,
          `${draft.body.length.toString(16)};a="b"`,
          (draft.body.length + 5).toString(16),
          (draft.body.length >> 1).toString(16),
        ])
        const bytes = Buffer.concat([
          Buffer.from(`${head}${size}\r\n`, 'latin1'),
          draft.body,
          Buffer.from('\r\n0\r\n\r\n'),
        ])
        return [{ do: 'send', bytes }, { do: 'wait', ms: dice.int(4) }, { do: dice.pick(['end', 'reset']) }]
      },
    ],
  ],
  [
    1.5,
    [
      'headers',
      (dice, draft) => {
        draft.headers.push(
          dice.pick([
            `x: ${'y'.repeat(20_000)}`,
            ...[Array.from({ length: 400 }, (_, n) => `h${n}: 1`).join('\r\n')],
            'x : 1',
            'x',
            ' folded',
            'x: a\u0000',
            'content-length: 3',
            'transfer-encoding: gzip',
            'set-cookie: a=\r\n b',
            'upgrade: x\r\nconnection: upgrade',
          ]),
        )
        draft.keepsAlive = false
        return undefined
      },
    ],
  ],
  [3, ['reset', () => [{ do: 'reset' }]]],
  [2, ['close', () => [{ do: 'end' }]]],
  [
    6,
    [
      'cut',
      (dice, draft) => {
        const { bytes } = bytesOf(draft)
        return [
          { do: 'send', bytes: bytes.subarray(0, dice.int(bytes.length)) },
          { do: 'wait', ms: dice.int(6) },
          { do: dice.pick(['end', 'reset']) },
        ]
      },
    ],
  ],
  [
    1.2,
    [
      'stall',
      (dice, draft) => {
        const { bytes } = bytesOf(draft)
        return [
          { do: 'send', bytes: bytes.subarray(0, dice.int(bytes.length)) },
          { do: 'wait', ms: 3_000 },
          { do: 'end' },
        ]
      },
    ],
  ],
  [
    2,
    [
      'slow',
      (dice, draft) => {
        const { bytes } = bytesOf(draft)
        const cut = dice.int(bytes.length)
        const ms = dice.between(20, 120)
        return [
          { do: 'wait', ms },
          { do: 'send', bytes: bytes.subarray(0, cut) },
          { do: 'wait', ms },
          { do: 'send', bytes: bytes.subarray(cut) },
        ]
      },
    ],
  ],
  [
    2,
    [
      'more after the end',
      (dice, draft) => {
        const { bytes } = bytesOf(draft)
        const more = dice.pick([
          Buffer.from('\r\n'),
          Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'),
          dice.bytes(20),
          bytes,
        ])
        return [{ do: 'send', bytes: Buffer.concat([bytes, more]) }, { do: 'wait', ms: 1 }, { do: 'end' }]
      },
    ],
  ],
  [
    0.04,
    [
      'endless',
      (dice, draft, tree) => {
        const isStream = dice.chance(0.7)
        const head = headOf({
          ...draft,
          framing: 'close',
          contentType: isStream ? 'text/event-stream' : 'application/json',
        })
        const text = isStream
          ? dice.pick([
              ': x\n\n',
              'event: ping\ndata: {"type":"ping"}\n\n',
              'x',
              eventText(tree.events[1] ?? { name: 'ping', data: {} }),
              'data: {"a":"',
            ])
          : dice.pick([' ', '[', '{"a":', 'x'])
        const piece = Buffer.from(text.repeat(Math.ceil(16_384 / text.length)))
        return [
          { do: 'send', bytes: Buffer.from(head) },
          { do: 'repeat', bytes: piece, times: dice.size(300, 2_500) },
          { do: 'end' },
        ]
      },
    ],
  ],
]

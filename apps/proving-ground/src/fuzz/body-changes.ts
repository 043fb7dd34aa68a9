import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { WeightedChange } from './answer-change.ts'
import { draftOf, eventText } from './answer-draft.ts'
import { mutateBytes } from './byte-mutations.ts'
import { changeEvents } from './event-changes.ts'
import { mutateTree, write } from './json-mutations.ts'
import { oddHeaders } from './odd-headers.ts'
import { type AnswerEvent, validAnswer } from './valid-answers.ts'

/** Changes of the body of an answer, or of what it is said to be. */
export const bodyChanges: readonly WeightedChange[] = [
  [
    12,
    [
      'structure',
      (dice, draft, tree) => {
        const times = dice.pick([1, 1, 2, 4])
        if (!tree.isStream) {
          draft.body = Buffer.from(write(mutateTree(tree.whole, dice, times)))
          return undefined
        }
        const events = [...tree.events]
        for (let done = 0; done < times; done++) {
          const at = dice.int(events.length)
          const { name, data } = events[at] as AnswerEvent
          events[at] = { name, data: data === '[DONE]' ? data : mutateTree(structuredClone(data), dice, 1) }
        }
        draft.body = Buffer.from(events.map(eventText).join(''))
        return undefined
      },
    ],
  ],
  [
    9,
    [
      'events',
      (dice, draft, tree) => {
        const events = [...tree.events]
        for (let done = dice.between(1, 3); done > 0; done--) changeEvents(events, dice)
        draft.body = Buffer.from(events.map(eventText).join(''))
        return undefined
      },
    ],
  ],
  [
    9,
    [
      'bytes',
      (dice, draft) => {
        draft.body = mutateBytes(draft.body, dice, dice.pick([1, 1, 3]))
        return undefined
      },
    ],
  ],
  [
    4,
    [
      'content type',
      (dice, draft) => {
        draft.contentType = dice.pick([
          undefined,
          'text/plain',
          'text/html',
          'application/json',
          'text/event-stream',
          'TEXT/EVENT-STREAM',
          'application/x-ndjson',
          'text/event-stream;',
          'application/octet-stream',
          '',
          'application/vnd.amazon.eventstream',
        ])
        return undefined
      },
    ],
  ],
  [
    3,
    [
      'the other kind',
      (dice, draft, tree, asked) => {
        const other = { ...asked, stream: !asked.stream }
        const wrong = validAnswer(
          dice,
          dice.chance(0.7) ? other : { ...asked, api: tree.api === 'openai' ? 'anthropic' : 'openai' },
          'other',
        )
        Object.assign(draft, draftOf(wrong))
        return undefined
      },
    ],
  ],
  [
    3,
    [
      'encoding',
      (dice, draft) => {
        const [name, encode] = dice.pick([
          ['gzip', gzipSync],
          ['deflate', deflateSync],
          ['br', brotliCompressSync],
          ['gzip', (bytes: Buffer) => bytes],
          ['br', (bytes: Buffer) => bytes],
          ['gzip', (bytes: Buffer) => mutateBytes(gzipSync(bytes), dice, 1)],
          ['gzip', (bytes: Buffer) => gzipSync(bytes).subarray(0, 20)],
          ['zstd', (bytes: Buffer) => bytes],
          ['gzip, gzip', (bytes: Buffer) => gzipSync(gzipSync(bytes))],
          ['x', (bytes: Buffer) => bytes],
          ['gzip', () => gzipSync(Buffer.alloc(dice.chance(0.02) ? 40_000_000 : 300_000, 0x20))],
        ] as const)
        draft.headers.push(`content-encoding: ${name}`)
        draft.body = encode(draft.body)
        return undefined
      },
    ],
  ],
  [
    0.8,
    [
      'numbers',
      (dice, draft) => {
        const text = draft.body
          .toString()
          .replace(
            /_tokens":\s*\d+/g,
            () =>
              `_tokens":${dice.pick(['1e308', '99999999999999999999999', '-7', '0.5', '9007199254740993', 'null', '"12"', '1e999', '4294967296000'])}`,
          )
        draft.body = Buffer.from(text)
        return undefined
      },
    ],
  ],
  [
    5,
    [
      'valid with odd headers',
      (dice, draft) => {
        for (let left = dice.between(1, 4); left > 0; left--) draft.headers.push(dice.pick(oddHeaders))
        return undefined
      },
    ],
  ],
]

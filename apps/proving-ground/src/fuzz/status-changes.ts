import type { WeightedChange } from './answer-change.ts'
import { bytesOf, errorBody, eventText, fail } from './answer-draft.ts'
import { write } from './json-mutations.ts'
import { words } from './words.ts'

/** Changes of statuses, and of what an error says; kinds that begin with `valid` leave an answer as it should be. */
export const statusChanges: readonly WeightedChange[] = [
  [
    18,
    [
      'status',
      (dice, draft, tree) => {
        fail(
          dice,
          draft,
          tree,
          dice.pick([
            '400 Bad Request',
            '404 Not Found',
            '408 x',
            '409 x',
            '413 x',
            '422 x',
            '500 x',
            '500 x',
            '502 x',
            '503 x',
            '504 x',
            '529 Overloaded',
            '529 ',
            '529',
            '418 I',
            '451 x',
            '599 x',
          ]),
        )
        if (dice.chance(0.1))
          draft.headers.push(
            dice.pick([
              'x-should-retry: true',
              'x-should-retry: false',
              'retry-after: 0',
              'retry-after-ms: 3',
              'retry-after: -1',
              'retry-after: Thu, 01 Jan 1970 00:00:00 GMT',
              'retry-after: soon',
            ]),
          )
        return undefined
      },
    ],
  ],
  [
    4,
    [
      'limit',
      (dice, draft, tree) => {
        fail(dice, draft, tree, '429 Too Many Requests')
        draft.headers.push(dice.pick(['retry-after: 0', 'retry-after-ms: 2', 'retry-after-ms: 0']))
        return undefined
      },
    ],
  ],
  [
    3,
    [
      'odd status',
      (dice, draft) => {
        draft.status = dice.pick([
          '204 No Content',
          '205 Reset',
          '206 Partial',
          '201 Created',
          '202 Accepted',
          '304 Not Modified',
          '300 x',
          '999 x',
          '600 x',
          '226 IM Used',
        ])
        if (dice.chance(0.5)) draft.body = Buffer.alloc(0)
        // These have no body, whatever the length says.
        if (/^(204|205|304)/.test(draft.status)) draft.keepsAlive = false
        return undefined
      },
    ],
  ],
  [
    2,
    [
      'redirect',
      (dice, draft) => {
        draft.status = dice.pick(['301 x', '302 Found', '303 x', '307 x', '308 x'])
        draft.headers.push(
          `location: ${dice.pick(['http://127.0.0.1:1/', '/v1/messages', 'javascript:alert(1)', '\xff', ''])}`,
        )
        return undefined
      },
    ],
  ],
  [
    2,
    [
      'valid after 1xx',
      (dice, draft) => {
        const { bytes } = bytesOf(draft)
        const early = dice.pick([
          'HTTP/1.1 100 Continue\r\n\r\n',
          'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n',
          'HTTP/1.1 102 Processing\r\n\r\n',
        ])
        return [{ do: 'send', bytes: Buffer.concat([Buffer.from(early.repeat(dice.between(1, 3))), bytes]) }]
      },
    ],
  ],
  [
    3,
    [
      'error inside',
      (dice, draft, tree) => {
        const error = errorBody(dice, tree.api, words(dice, 4))
        const text = write(error)
        if (!tree.isStream) draft.body = Buffer.from(text)
        else {
          const keep = dice.int(tree.events.length)
          const start = tree.events.slice(0, keep).map(eventText).join('')
          draft.body = Buffer.from(
            `${start}${tree.api === 'anthropic' ? 'event: error\n' : ''}data: ${text}\n\n`,
          )
        }
        return undefined
      },
    ],
  ],
  [
    3,
    [
      'quotes the key',
      (dice, draft, tree, { head }) => {
        fail(dice, draft, tree, dice.pick(['400 x', '500 x', '422 x']))
        const key = /(?:x-api-key|authorization): *(?:bearer )?(\S+)/i.exec(head)?.[1] ?? ''
        draft.contentType = 'application/json'
        draft.body = Buffer.from(write(errorBody(dice, tree.api, `invalid x-api-key: ${key}`)))
        draft.headers.push(`x-quoted: ${key}`)
        return undefined
      },
    ],
  ],
]

/** What closes a key or a target for a while. */
export const limitedChanges: readonly WeightedChange[] = [
  [
    4,
    [
      'status of the key',
      (dice, draft, tree) => {
        fail(dice, draft, tree, dice.pick(['401 x', '403 x', '402 x', '429 x', '429 x', '503 x', '529 x']))
        draft.headers.push(
          dice.pick([
            'retry-after: 1000000000',
            'retry-after: 1e308',
            'retry-after: 99999999999999999999',
            'retry-after: 5',
            'retry-after-ms: 999999999999999',
            'retry-after: Fri, 31 Dec 9999 23:59:59 GMT',
            'retry-after: 0',
            'anthropic-ratelimit-requests-reset: 9999-12-31T23:59:59Z',
            'anthropic-ratelimit-tokens-remaining: -1',
            'x-ratelimit-reset: 99999999999999',
          ]),
        )
        return undefined
      },
    ],
  ],
  [
    1,
    [
      'advice in the body',
      (dice, draft, tree) => {
        fail(dice, draft, tree, '429 x')
        draft.body = Buffer.from(
          write({
            error: {
              message: 'x',
              availability: { retryable: true, retry_after: dice.pick([1e308, 1e9, -1, 0]) },
            },
          }),
        )
        return undefined
      },
    ],
  ],
]

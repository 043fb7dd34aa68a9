import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { mutateBytes } from './byte-mutations.ts'
import { type Dice, weights } from './dice.ts'
import type { AskedOfUpstream, FuzzAnswer, Step } from './fuzz-case.ts'
import { type Json, mutateTree, write } from './json-mutations.ts'
import { type AnswerEvent, type AnswerTree, validAnswer } from './valid-answers.ts'
import { words } from './words.ts'

/** An answer on its way to the wire. */
interface Draft {
  status: string
  contentType: string | undefined
  readonly headers: string[]
  body: Buffer
  framing: 'length' | 'chunked' | 'close'
  /** Whether the connection stays open after it. */
  keepsAlive: boolean
}

type Change = (
  dice: Dice,
  draft: Draft,
  tree: AnswerTree,
  asked: AskedOfUpstream,
) => readonly Step[] | undefined

/** What an upstream answers in a case. `marker` is the case's, and is in the text of the answer. */
export function answerOf(dice: Dice, asked: AskedOfUpstream, marker: string): FuzzAnswer {
  const tree = validAnswer(dice, asked, marker)
  const draft = draftOf(tree)
  if (dice.chance(0.04)) draft.framing = dice.pick(['chunked', 'close'])
  if (dice.chance(asked.target === 'limited' ? 0.5 : 0.72))
    return { kind: 'valid', isValid: true, steps: paced(dice, bytesOf(draft)) }
  const [kind, change] = dice.weighted(asked.target === 'limited' ? limitedChanges : changes)
  const steps = change(dice, draft, tree, asked)
  return { kind, isValid: kind.startsWith('valid'), steps: steps ?? paced(dice, bytesOf(draft)) }
}

function draftOf(tree: AnswerTree): Draft {
  const { isStream, whole, events } = tree
  return {
    status: '200 OK',
    contentType: isStream ? 'text/event-stream; charset=utf-8' : 'application/json',
    headers: ['request-id: req_1'],
    body: Buffer.from(isStream ? events.map(eventText).join('') : JSON.stringify(whole)),
    framing: isStream ? 'chunked' : 'length',
    keepsAlive: true,
  }
}

function eventText({ name, data }: AnswerEvent): string {
  const text = data === '[DONE]' ? data : write(data)
  return name === undefined ? `data: ${text}\n\n` : `event: ${name}\ndata: ${text}\n\n`
}

function headOf({ status, contentType, headers, framing, keepsAlive, body }: Draft): string {
  const lines = [`HTTP/1.1 ${status}`]
  if (contentType !== undefined) lines.push(`content-type: ${contentType}`)
  lines.push(...headers)
  if (framing === 'length') lines.push(`content-length: ${body.length}`)
  if (framing === 'chunked') lines.push('transfer-encoding: chunked')
  if (!keepsAlive || framing === 'close') lines.push('connection: close')
  return `${lines.join('\r\n')}\r\n\r\n`
}

function bytesOf(draft: Draft): { readonly bytes: Buffer; readonly closes: boolean } {
  const { body, framing, keepsAlive } = draft
  const head = Buffer.from(headOf(draft), 'latin1')
  const size = Buffer.from(`${body.length.toString(16)}\r\n`)
  const framed = framing !== 'chunked' || body.length === 0 ? [body] : [size, body, Buffer.from('\r\n')]
  const end = framing === 'chunked' ? [Buffer.from('0\r\n\r\n')] : []
  return { bytes: Buffer.concat([head, ...framed, ...end]), closes: !keepsAlive || framing === 'close' }
}

/** Most answers come in one piece; some in many, cut anywhere. */
function paced(dice: Dice, { bytes, closes }: { readonly bytes: Buffer; readonly closes: boolean }): Step[] {
  const steps: Step[] = []
  if (dice.chance(0.92)) steps.push({ do: 'send', bytes })
  else {
    const most = dice.chance(0.1) ? 40 : 5
    const cuts = Array.from({ length: dice.between(1, most) }, () => dice.int(bytes.length)).sort(
      (a, b) => a - b,
    )
    let from = 0
    for (const cut of [...cuts, bytes.length]) {
      if (cut > from) steps.push({ do: 'send', bytes: bytes.subarray(from, cut) })
      if (dice.chance(0.4)) steps.push({ do: 'wait', ms: dice.int(4) })
      from = cut
    }
  }
  if (closes) steps.push({ do: 'end' })
  return steps
}

/** Words that close a key or a target for a while are left to one target alone: the others are to stay in traffic. */
function errorBody(dice: Dice, api: string, message: string): Json {
  const type = dice.pick([
    'overloaded_error',
    'api_error',
    'invalid_request_error',
    'not_found_error',
    'x',
    '__proto__',
    '',
  ])
  if (api === 'anthropic') {
    const id = dice.pick<Json>(['req_1', null, 'rëq_日本', 7, 'a\r\nx-injected: 1', '\u0000'])
    return { type: 'error', error: { type, message }, request_id: id }
  }
  const code = dice.pick<Json>([type, null, 529, 500, 1e308])
  return {
    error: { message, type, param: null, code, metadata: { raw: 'x', retry_after: dice.pick([0, 0.001]) } },
  }
}

function fail(dice: Dice, draft: Draft, { api }: AnswerTree, status: string): void {
  draft.status = status
  draft.contentType = 'application/json'
  draft.framing = 'length'
  draft.body = Buffer.from(write(errorBody(dice, api, words(dice, 6))))
  if (dice.chance(0.1)) draft.body = mutateBytes(draft.body, dice, 1)
  if (dice.chance(0.1)) {
    draft.contentType = 'text/html'
    draft.body = Buffer.from('<html><body><h1>Bad Gateway</h1></body></html>')
  }
}

const changes = weights<readonly [string, Change]>([
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
    5,
    [
      'valid with odd headers',
      (dice, draft) => {
        for (let left = dice.between(1, 4); left > 0; left--) draft.headers.push(dice.pick(oddHeaders))
        return undefined
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
])

const limitedChanges = weights<readonly [string, Change]>([
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
])

const oddHeaders = [
  'x-spillway-served-by: evil',
  'x-spillway-attempts: 99',
  'x-spillway-call-id: x',
  'x-should-retry: true',
  'set-cookie: a=b; Domain=example.com',
  'set-cookie: c=d',
  'clear-site-data: "*"',
  'alt-svc: h3=":443"',
  'access-control-allow-origin: *',
  'strict-transport-security: max-age=9',
  'refresh: 0;url=http://evil',
  'x-odd: \xfc\xff',
  'request-id: r\xe9q',
  'connection: keep-alive, x-odd',
  'keep-alive: timeout=0',
  'keep-alive: timeout=99999999999',
  'trailer: x',
  'server: x',
  'date: never',
  'content-language: \xff',
  'link: <http://evil>; rel=preload',
  'x-empty:',
  `x-long: ${'l'.repeat(3_000)}`,
  'anthropic-ratelimit-requests-remaining: 0',
  'anthropic-ratelimit-tokens-limit: 1e308',
  'content-type: text/html',
  'vary: *',
  'etag: "x"',
  'cache-control: public, max-age=99999',
  'proxy-authenticate: Basic',
  'www-authenticate: Bearer',
  'location: http://evil',
  '__proto__: x',
  'constructor: x',
]

function changeEvents(events: AnswerEvent[], dice: Dice): void {
  if (events.length === 0) return
  const at = dice.int(events.length)
  const event = events[at] as AnswerEvent
  switch (dice.int(7)) {
    case 0:
      events.splice(at, 1)
      return
    case 1:
      events.splice(at, 0, ...Array.from({ length: dice.size(1, 50) }, () => event))
      return
    case 2:
      events.push(...events.splice(at, 1))
      return
    case 3:
      events.splice(
        at,
        0,
        dice.pick<AnswerEvent>([
          { name: 'unknown_event', data: { type: 'unknown_event', x: 1 } },
          { name: 'ping', data: { type: 'ping' } },
          { name: undefined, data: {} },
          { name: undefined, data: null },
          { name: undefined, data: '[DONE]' },
          { name: 'message_stop', data: { type: 'message_stop' } },
          { name: 'message_start', data: { type: 'message_start', message: {} } },
          {
            name: 'content_block_start',
            data: { type: 'content_block_start', index: 99, content_block: { type: 'new_kind' } },
          },
          {
            name: 'content_block_delta',
            data: { type: 'content_block_delta', index: 5, delta: { type: 'text_delta', text: 'x' } },
          },
          { name: 'error', data: { type: 'error', error: null } },
        ]),
      )
      return
    case 4:
      events[at] = { name: dice.pick([undefined, 'message_stop', 'error', 'x', '']), data: event.data }
      return
    case 5:
      events.length = at
      return
    default: {
      const other = dice.int(events.length)
      events[at] = events[other] as AnswerEvent
      events[other] = event
    }
  }
}

import { mutateBytes } from './byte-mutations.ts'
import { chatBody } from './chat-bodies.ts'
import { type Dice, weights } from './dice.ts'
import type { FuzzRequest } from './fuzz-case.ts'
import { httpRequest } from './http-mutations.ts'
import { type Json, mutateTree, oddValue, write } from './json-mutations.ts'
import { bodyMarker, keyMarker } from './markers.ts'
import { messagesBody } from './messages-bodies.ts'
import { otherPath } from './other-paths.ts'

/** A model call that is sent as HTTP wants it, or not. */
export interface CallText {
  readonly kind: string
  readonly method: string
  readonly path: string
  readonly headers: readonly string[]
  readonly body: Buffer
  readonly api: 'anthropic' | 'openai'
  readonly stream: boolean
}

type BodyKind = 'valid' | 'structure' | 'bytes' | 'duplicate key' | 'odd text' | 'large'

const bodyKinds = weights<BodyKind>([
  [58, 'valid'],
  [24, 'structure'],
  [12, 'bytes'],
  [3, 'duplicate key'],
  [2.8, 'odd text'],
  [0.05, 'large'],
])

/** The request of a case. `host` is the gateway's own. */
export function requestOf(dice: Dice, index: number, host: string): FuzzRequest {
  const at = dice.next()
  if (at < 0.09) return otherPath(dice, index, host)
  const call = callOf(dice, index)
  return httpRequest(dice, call, host, at < 0.22)
}

const models = weights<string>([
  [40, 'claude-sonnet-5-5'],
  [10, 'claude-haiku-4-5-20251001'],
  [5, 'claude-opus-4-6'],
  [14, 'gpt-5'],
  [10, 'local-llama-3'],
  [8, 'team-red-own-model'],
  [8, 'x-mapped-y'],
  [4, 'limited-1'],
  [1, 'no-such-model'],
])

function modelOf(dice: Dice, index: number): string {
  if (dice.chance(0.03)) return `claude-${index.toString(36)}`
  return dice.weighted(models)
}

const oddTexts = [
  '',
  ' ',
  'null',
  '[]',
  '""',
  '0',
  '{',
  '{}',
  '[{}]',
  '{"model":"claude-sonnet-5-5"}',
  '{"model":""}',
  '{"model":"claude-sonnet-5-5","stream":null}',
  '\ufeff{"model":"gpt-5","messages":[]}',
  '{"model":"gpt-5",}',
  'model=claude',
  '<xml/>',
  '{"model":"claude-sonnet-5-5","messages":[],"max_tokens":1}',
]

function callOf(dice: Dice, index: number): CallText {
  const api = dice.chance(0.62) ? 'anthropic' : 'openai'
  const isCount = api === 'anthropic' && dice.chance(0.06)
  const body = (api === 'anthropic' ? messagesBody : chatBody)(dice, modelOf(dice, index), bodyMarker(index))
  if (isCount)
    for (const name of ['max_tokens', 'stream', 'temperature', 'metadata', 'stop_sequences'])
      delete body[name]
  const kind = dice.weighted(bodyKinds)
  const bytes = bytesOf(dice, body, kind)
  const path =
    api === 'openai' ? '/v1/chat/completions' : isCount ? '/v1/messages/count_tokens' : '/v1/messages'
  const query = dice.chance(0.3)
    ? dice.pick([
        '?beta=true',
        '?beta=true&x=%00',
        '?',
        '?a=b#c',
        '?%zz',
        `?${'q'.repeat(dice.size(50, 4_000))}`,
      ])
    : ''
  return {
    kind,
    method: 'POST',
    path: path + query,
    headers: headersOf(dice, index, api),
    body: bytes,
    api,
    stream: body.stream === true,
  }
}

function bytesOf(dice: Dice, body: { [name: string]: Json }, kind: BodyKind): Buffer {
  switch (kind) {
    case 'valid':
      return Buffer.from(dice.chance(0.05) ? JSON.stringify(body, null, 2) : write(body))
    case 'structure':
      return Buffer.from(write(mutateTree(body, dice, dice.pick([1, 1, 1, 2, 3, 8]))))
    case 'bytes':
      return mutateBytes(Buffer.from(write(body)), dice, dice.pick([1, 1, 2, 4]))
    case 'duplicate key': {
      const name = dice.pick(['model', 'stream', 'messages', 'max_tokens', 'tools'])
      const value = dice.chance(0.5) ? (body[name] ?? null) : oddValue(dice)
      return Buffer.from(`{${JSON.stringify(name)}:${write(value)},${write(body).slice(1)}`)
    }
    case 'odd text':
      return Buffer.from(dice.pick(oddTexts))
    case 'large':
      return Buffer.from(write({ ...body, extra: largeValue(dice) }))
  }
}

/** Up to some megabytes, in the forms that cost most to read. */
function largeValue(dice: Dice): Json {
  const size = dice.size(300_000, dice.chance(0.02) ? 30_000_000 : 3_000_000)
  switch (dice.int(4)) {
    case 0:
      return 'x'.repeat(size)
    case 1:
      return Array.from({ length: size / 8 }, () => ({ a: 1 }))
    case 2:
      return '"\\\n'.repeat(size / 6)
    default:
      return Array.from({ length: size / 2 }, () => 0)
  }
}

const agents = [
  'claude-cli/2.1.330 (external, cli)',
  'Anthropic/JS 0.70.0',
  'OpenAI/Python 2.1.0',
  'curl/8.5.0',
  '',
]

function headersOf(dice: Dice, index: number, api: string): string[] {
  const headers: string[] = []
  const key = keyMarker(index)
  const at = dice.next()
  if (at < 0.45) headers.push(`x-api-key: ${key}`)
  else if (at < 0.85) headers.push(`authorization: Bearer ${key}`)
  else if (at < 0.9) headers.push(`x-api-key: ${key}`, `Authorization: bearer ${key}x`)
  else if (at < 0.95) headers.push(`authorization: Basic ${key}`)
  if (api === 'anthropic') headers.push('anthropic-version: 2023-06-01')
  if (dice.chance(0.2)) headers.push('anthropic-beta: context-1m-2025-08-07,interleaved-thinking-2025-05-14')
  if (dice.chance(0.9))
    headers.push(
      `content-type: ${dice.pick(['application/json', 'application/json', 'application/json; charset=utf-8', 'text/plain', 'multipart/form-data; boundary=x'])}`,
    )
  headers.push(`user-agent: ${dice.pick(agents)}`)
  if (dice.chance(0.15)) headers.push(`x-claude-code-session-id: session-${dice.int(400)}`)
  if (dice.chance(0.05)) headers.push('accept-encoding: gzip, br')
  if (dice.chance(0.05)) headers.push('traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
  if (dice.chance(0.03)) headers.push('x-spillway-restart: accept')
  if (dice.chance(0.06)) headers.push(oddHeader(dice, index))
  return headers
}

function oddHeader(dice: Dice, index: number): string {
  const key = keyMarker(index)
  return dice.pick([
    `cookie: session=${key}`,
    `api-key: ${key}`,
    'x-spillway-session: ',
    `x-spillway-session: ${'s'.repeat(3_000)}`,
    'x-spillway-attempts: 7',
    'x-forwarded-for: 1.2.3.4',
    'x-odd: \xff\xfe\x80',
    `x-long: ${'l'.repeat(dice.size(500, 12_000))}`,
    'traceparent: 00-zz',
    'anthropic-version: 1999-01-01',
    'accept: text/html',
    'connection: keep-alive, x-odd',
    '__proto__: 1',
    'constructor: x',
    'accept-encoding: zstd;q=0.1, *;q=0',
    'x-stainless-retry-count: 9999999999999999999',
    'x-stainless-timeout: -1',
  ])
}

import { readFile } from 'node:fs/promises'
import type { FailureKind } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import { failureKinds } from '../src/failure-kinds.ts'
import * as wire from '../src/index.ts'
import { howItWent } from './readme-example.ts'

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8')

const allKinds: Record<FailureKind, true> = {
  overloaded: true,
  rate_limited: true,
  timeout: true,
  connection: true,
  server: true,
  invalid_request: true,
  authentication: true,
  permission: true,
  billing: true,
  not_found: true,
  too_large: true,
  refusal: true,
  truncated: true,
  malformed: true,
  cancelled: true,
  circuit_open: true,
  saturated: true,
  budget_exceeded: true,
  unfit: true,
}

describe('the README', () => {
  it('shows the example that is run here', async () => {
    const [, example] = /```ts\n(.*?)```/s.exec(await read('../README.md')) ?? []
    expect(example).toBe(await read('readme-example.ts'))
  })

  it('lists every kind of failure as it is', async () => {
    const rows = (await read('../README.md')).matchAll(/^\| `(\w+)` +\| [^|]+ \| (yes|no) +\| (\w+) +\|$/gm)
    const listed = [...rows].map(([, kind, retryable, scope]) => [kind, retryable, scope])
    const actual = (Object.keys(allKinds) as FailureKind[]).map((kind) => [
      kind,
      failureKinds[kind].retryable ? 'yes' : 'no',
      failureKinds[kind].scope,
    ])
    expect(listed).toEqual(actual)
  })

  it('names only what is exported', async () => {
    const rows = (await read('../README.md')).matchAll(/^\| ((?:`\w+`(?:, )?…? *)+)\| [^|]+\|$/gm)
    const names = [...rows].flatMap(([, cell]) =>
      [...(cell as string).matchAll(/`(\w+)`/g)].map(([, name]) => name),
    )
    expect(names.length).toBeGreaterThan(15)
    expect(Object.keys(wire)).toEqual(expect.arrayContaining(names))
  })
})

describe('the example', () => {
  const stream = [
    'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":1}}}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}\n\n',
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}\n\n',
    'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  ]
  const error =
    'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'

  it.each<[string, Response]>([
    ['5 tokens', new Response(stream.join(''))],
    ['cut off', new Response(stream.slice(0, 3).join(''))],
    ['overloaded', new Response(stream[0] + error)],
    ['rate_limited, try again', new Response('', { status: 429, headers: { 'retry-after': '3' } })],
    ['authentication', Response.json({ error: { type: 'authentication_error' } }, { status: 401 })],
  ])('says "%s"', async (said, response) => {
    expect(await howItWent(response)).toBe(said)
  })
})

import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { createRequest, type Handler, type Outcome } from '../src/index.ts'
import { bodyOf, defaultStreamHeaders, defaultTimeouts, jsonBodyFromObject } from '../src/kit.ts'
import { chain } from './readme-example.ts'

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8')

function duration(ms: number): string {
  if (ms === Infinity) return 'none'
  return ms >= 120_000 ? `${ms / 60_000} m` : `${ms / 1000} s`
}

describe('the README', () => {
  it('shows the example that is run here', async () => {
    const [, example] = /```ts\n(.*?)```/s.exec(await read('../README.md')) ?? []
    expect(example).toBe(await read('readme-example.ts'))
  })

  it('lists every time limit with its default', async () => {
    const [, section = ''] = /## Time limits\n(.*?)\n## /s.exec(await read('../README.md')) ?? []
    const listed = [...section.matchAll(/^\| `(\w+)` +\| (.*?) +\|/gm)].map(([, name, value]) => [
      name,
      value,
    ])
    const actual = Object.entries(defaultTimeouts).map(([name, ms]) => [
      name,
      ms === undefined ? `${duration(defaultStreamHeaders)} for streams, else none` : duration(ms),
    ])
    expect(listed).toEqual(actual)
  })
})

describe('the example', () => {
  it('logs what the pinned model used', async () => {
    const asked: string[] = []
    const lines: string[] = []
    const client: Handler = async ({ model }) => {
      asked.push(model)
      const outcome = { failure: undefined, usage: { outputTokens: 7 } } as Outcome
      return {
        status: 200,
        headers: {},
        body: bodyOf(new Uint8Array()),
        failure: undefined,
        outcome: Promise.resolve(outcome),
        target: undefined,
      }
    }
    const request = createRequest({
      api: 'anthropic',
      model: 'claude-opus-5-5',
      stream: false,
      url: '/v1/messages',
      body: jsonBodyFromObject({}),
    })
    const response = await chain(client, (line) => lines.push(line))(request)
    await response.outcome
    expect(asked).toEqual(['claude-haiku-5-5'])
    expect(lines).toEqual(['claude-opus-5-5: ok, 7 tokens'])
  })
})

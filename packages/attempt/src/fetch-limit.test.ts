import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRequest } from '@spillway/middleware'
import { jsonBodyFromObject, type NewModelRequest } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { Agent, fetch as undiciFetch } from 'undici'
import { afterEach, expect, it, vi } from 'vitest'
// By its path: a dependency would close a circle.
import { retry } from '../../retry/src/retry.ts'
import { warnOfFetchLimit } from './fetch-limit.ts'
import { timeouts } from './timeouts.ts'
import { wrapFetch } from './wrap-fetch.ts'

afterEach(() => vi.restoreAllMocks())

function warningsOf(...changes: readonly Partial<NewModelRequest>[]): string[] {
  const warnings: string[] = []
  const clock = virtualClock()
  const handler = warnOfFetchLimit((message) => warnings.push(message))(() => new Promise(() => {}))
  for (const change of changes) {
    handler(
      createRequest({
        ...{ api: 'anthropic', model: 'm', stream: false, url: '/v1/messages', clock },
        body: jsonBodyFromObject({ model: 'm' }),
        ...change,
      }),
    )
  }
  return warnings
}

it('warns once of calls that may take longer than the fetch allows', () => {
  expect(warningsOf({ deadline: 1_200_000 }, { deadline: 1_200_000 })).toEqual([
    expect.stringContaining('after 300 s, and this call may take 1200 s'),
  ])
})

it('does not warn where a fallback has kept time back from the default deadline', () => {
  const context = { callId: 'c', hasDefaultTotal: true }
  expect(warningsOf({ deadline: 570_000, context })).toEqual([])
})

it('does not warn where nobody asked for more, or headers come early', () => {
  expect(warningsOf({}, { deadline: 300_000 }, { deadline: 1_200_000, stream: true })).toEqual([])
})

it('warns of the global fetch and of no other', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const call = { method: 'POST', body: '{"model":"m","messages":[]}' }
  const own = async (): Promise<Response> => Response.json({})
  await wrapFetch(own, timeouts({ total: 1_200_000 }))('http://127.0.0.1:2/v1/messages', call)
  expect(warn).not.toHaveBeenCalled()
  await wrapFetch(fetch, timeouts({ total: 1_200_000 }))('http://127.0.0.1:2/v1/messages', call)
  expect(warn).toHaveBeenCalledWith(expect.any(String), { code: 'SPILLWAY_FETCH_LIMIT' })
})

it('does not send again what the transport’s own limit has cut', async () => {
  let requests = 0
  const server = createServer(() => void requests++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const agent = new Agent({ headersTimeout: 100 })
  const short = (input: unknown, init?: object): Promise<Response> =>
    undiciFetch(input as string, { ...init, dispatcher: agent }) as unknown as Promise<Response>
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/messages`
  const response = await wrapFetch(short as typeof fetch, retry({ attempts: 3, baseDelay: 1 }))(url, {
    method: 'POST',
    body: '{"model":"m","messages":[]}',
  })
  expect(response.status).toBe(504)
  expect(await response.text()).toContain('the transport')
  expect(requests).toBe(1)
  await agent.destroy()
  server.closeAllConnections()
  server.close()
})

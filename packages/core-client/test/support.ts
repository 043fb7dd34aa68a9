import { getEventListeners } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RecordedRequest, SimulatedServer } from '@spillway/testing'
import { expect, vi } from 'vitest'

/** What a promise rejects with. */
export async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`expected a rejection, got ${JSON.stringify(value)}`)
}

/** Reads to the end. Returns what came, and the error that ended it, if any. */
export async function readAll<T>(source: AsyncIterable<T>): Promise<{ items: T[]; error: unknown }> {
  const items: T[] = []
  try {
    for await (const item of source) items.push(item)
  } catch (error) {
    return { items, error }
  }
  return { items, error: undefined }
}

/** A call for `fetch`: a question to Claude, streamed or not. */
export function question(
  options: { stream?: boolean; signal?: AbortSignal; headers?: Record<string, string> } = {},
): {
  method: string
  headers: Record<string, string>
  body: string
  signal?: AbortSignal
} {
  const { stream = false, signal, headers = { 'x-api-key': 'sk-caller' } } = options
  return {
    method: 'POST',
    headers: { 'anthropic-version': '2023-06-01', 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      model: 'claude-opus-5-5',
      max_tokens: 64,
      messages: [{ role: 'user', content: 'Hello' }],
      ...(stream ? { stream } : {}),
    }),
    ...(signal === undefined ? {} : { signal }),
  }
}

/** Waits until a server has at most so many connections open. */
export function connectionsDownTo(server: SimulatedServer, most: number): Promise<void> {
  return vi.waitFor(() => expect(server.connections).toBeLessThanOrEqual(most), { timeout: 10_000 })
}

/** The request has been closed by the client within 100 ms after `leftAt`. */
export async function closedSoonAfter(leftAt: number, request: RecordedRequest | undefined): Promise<void> {
  const closedAt = await request?.closedByPeer
  expect(closedAt).toBeDefined()
  expect((closedAt ?? Infinity) - leftAt).toBeLessThan(100)
}

export function abortListeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}

/** How many timers keep the process alive. */
export function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}

/** Waits until no more timers than so many keep the process alive. */
export async function timersDownTo(most: number): Promise<void> {
  for (let tries = 0; timers() > most && tries < 100; tries++) await turns(1)
  expect(timers()).toBeLessThanOrEqual(most)
}

/** Lets the event loop go round, with some milliseconds for each turn. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** A server of one's own on 127.0.0.1. */
export async function serve(listener: RequestListener): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The smallest answer of Claude's that makes sense. */
export const smallAnswer: string = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-5-5',
  content: [{ type: 'text', text: 'Hi' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
})

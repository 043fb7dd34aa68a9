import type { IncomingMessage, ServerResponse } from 'node:http'
import { virtualClock } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { type AskedSources, answerApi } from './api-server.ts'

it('answers in time whatever a question waits for', async () => {
  const clock = virtualClock()
  const sources = {
    views: { fallbacks: () => new Promise(() => {}) },
    ...{ now: () => clock.epoch(), clock, log: vi.fn() },
  } as unknown as AskedSources
  const req = { method: 'GET', url: '/api/fallbacks?range=1h', resume() {} } as unknown as IncomingMessage
  const writeHead = vi.fn()
  const end = vi.fn()
  const res = { destroyed: false, writeHead, end } as unknown as ServerResponse
  await clock.runUntil(answerApi(req, res, '/api/fallbacks', sources))
  expect([clock.now(), writeHead.mock.calls[0]?.[0]]).toEqual([12_000, 503])
  expect(JSON.parse(String(end.mock.calls[0]?.[0]))).toMatchObject({
    error: { message: 'the ledger did not answer within 12 s; ask again later' },
  })
})

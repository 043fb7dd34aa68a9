import { metrics, trace } from '@opentelemetry/api'
import { createRequest, type ModelResponse } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { afterEach, expect, it, vi } from 'vitest'
import { telemetry } from './telemetry.ts'

const registered = Symbol.for('opentelemetry.js.api.1')
const globals = globalThis as { [registered]?: object }

afterEach(() => {
  delete globals[registered]
  vi.restoreAllMocks()
})

const request = createRequest({
  ...{ api: 'anthropic', model: 'm', stream: false, url: '/v1/messages' },
  body: jsonBodyFromObject({ model: 'm' }),
})

it('says once that an SDK is registered with an older copy of the API, which it cannot see', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const call = telemetry()(async () => ({}) as ModelResponse)

  await call(request)
  expect(warn).not.toHaveBeenCalled()
  globals[registered] = { version: '1.9.0', trace: trace.getTracerProvider() }
  await call(request)
  await call(request)
  expect(warn).toHaveBeenCalledTimes(1)
  expect(warn.mock.calls[0]).toEqual([
    expect.stringContaining('1.9.0'),
    { code: 'SPILLWAY_OPENTELEMETRY_API' },
  ])

  globals[registered] = { version: '1.9.0', metrics: metrics.getMeterProvider() }
  await telemetry()(async () => ({}) as ModelResponse)(request)
  expect(warn).toHaveBeenCalledTimes(2)
})

it('says nothing where an SDK is found', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  globals[registered] = { version: '1.9.0', trace: trace.getTracerProvider() }
  const response = { outcome: Promise.resolve({}) } as ModelResponse
  await telemetry({ tracerProvider: trace.getTracerProvider() })(async () => response)(request)
  expect(warn.mock.calls.flat()).not.toContainEqual({ code: 'SPILLWAY_OPENTELEMETRY_API' })
})

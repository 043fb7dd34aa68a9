import { createRequest, type RequestContext } from '@spillway/middleware'
import { jsonBodyFromObject, type RequestHeaders } from '@spillway/middleware/kit'
import { expect, it } from 'vitest'
import { attempt } from './attempt.ts'
import { type FetchTransportOptions, fetchTransport } from './fetch-transport.ts'

const callers: RequestHeaders = {
  'x-api-key': 'sk-caller',
  'content-type': 'application/json',
  'anthropic-version': '2023-06-01',
  'x-goog-api-key': 'AIza-caller',
  'x-team': 'blue',
  cookie: 'session=1',
  'x-spillway-session': 's',
  'content-length': '99',
}

/** What a `fetch` is given of these headers. */
async function sent(
  headers: RequestHeaders,
  context: Partial<RequestContext>,
  options?: FetchTransportOptions,
): Promise<RequestHeaders> {
  let given: RequestHeaders = {}
  const send = attempt(
    fetchTransport(async (_, init) => {
      given = init?.headers as RequestHeaders
      return Response.json({})
    }, options),
  )
  const body = jsonBodyFromObject({ model: 'm', messages: [] })
  const request = {
    api: 'anthropic',
    model: 'm',
    stream: false,
    url: 'https://a.example/v1/messages',
  } as const
  await send(createRequest({ ...request, body, headers, context }))
  return given
}

it('sends all of the caller’s headers to the target that was called, less what is Spillway’s and the old length', async () => {
  const { 'x-spillway-session': _, 'content-length': __, ...rest } = callers
  expect(await sent(callers, {})).toEqual(rest)
})

it('sends what the protocol defines and no key of the caller’s to another target', async () => {
  expect(await sent(callers, { divertedHeaders: callers })).toEqual({
    'content-type': 'application/json',
    'anthropic-version': '2023-06-01',
  })
})

it('sends what a middleware of that target has put in', async () => {
  const headers = { ...callers, 'x-api-key': 'sk-own', 'x-team': 'green', 'x-mine': '1' }
  const { 'x-goog-api-key': _, ...given } = await sent(headers, { divertedHeaders: callers })
  expect(_).toBeUndefined()
  expect(given).toMatchObject({ 'x-api-key': 'sk-own', 'x-team': 'green', 'x-mine': '1' })
})

it('does not take the caller’s key in another place for one of the target’s own', async () => {
  const headers = { authorization: 'Bearer sk-caller' }
  expect(await sent(headers, { divertedHeaders: callers })).toEqual({})
})

it('sends headers that are named, and the caller’s key where it is told so', async () => {
  const options = { forwardHeaders: ['X-Team'], callerCredential: true }
  const given = await sent(callers, { divertedHeaders: callers }, options)
  expect(given).toMatchObject({ 'x-team': 'blue', 'x-api-key': 'sk-caller' })
  expect(given).not.toHaveProperty('x-goog-api-key')
})

it('refuses to name a credential', () => {
  expect(() => fetchTransport(fetch, { forwardHeaders: ['x-api-key'] })).toThrow(RangeError)
})

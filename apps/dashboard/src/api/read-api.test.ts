import { expect, it, onTestFinished, vi } from 'vitest'
import { apiPath, readApi } from './read-api.ts'

function answering(response: () => Response | Promise<Response>): AbortSignal {
  vi.stubGlobal('fetch', async () => response())
  onTestFinished(() => void vi.unstubAllGlobals())
  return new AbortController().signal
}

it('an answer is its JSON', async () => {
  const signal = answering(() => Response.json({ keys: [] }))
  expect(await readApi('api/keys', signal)).toEqual({ keys: [] })
})

it.each([
  [{ error: { message: 'the ledger is away' } }, 'the ledger is away'],
  [{ error: 'not here' }, 'not here'],
  [{}, 'The gateway answered with 503.'],
  ['<html>', 'The gateway answered with 503.'],
])('an error says what the gateway says: %j', async (body, message) => {
  const signal = answering(() => new Response(JSON.stringify(body), { status: 503 }))
  await expect(readApi('api/keys', signal)).rejects.toMatchObject({
    name: 'ApiProblem',
    status: 503,
    message,
  })
})

it('what is no JSON is no answer', async () => {
  const signal = answering(() => new Response('<html>'))
  await expect(readApi('api/keys', signal)).rejects.toMatchObject({
    message: expect.stringContaining('not JSON'),
  })
})

it('a gateway that is away is named, and leaving the view is no problem', async () => {
  const signal = answering(() => Promise.reject(new TypeError('Failed to fetch')))
  await expect(readApi('api/keys', signal)).rejects.toMatchObject({
    message: 'The gateway cannot be reached.',
  })
  await expect(readApi('api/keys', AbortSignal.abort())).rejects.toMatchObject({ name: 'TypeError' })
})

it('a path has the parameters that are set', () => {
  expect(apiPath('calls', { limit: '50', before: undefined, model: '', query: 'a b' })).toBe(
    'api/calls?limit=50&query=a+b',
  )
  expect(apiPath('mirror')).toBe('api/mirror')
})

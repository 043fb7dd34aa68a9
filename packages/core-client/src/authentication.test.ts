import { inspect } from 'node:util'
import { type SimulatedServer, startClaude, virtualClock } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { abortListeners, question, rejection } from '../test/support.ts'
import { type Client, type ClientOptions, createClient } from './client.ts'
import { type AccessToken, refreshingToken, type TokenSource, tokenSource } from './credential.ts'
import { obtainToken } from './obtain-credential.ts'

let claude: SimulatedServer
const clients: Client[] = []
const clientWith = (options: Partial<ClientOptions>): Client => {
  const client = createClient({ provider: 'anthropic', baseUrl: claude.url, ...options })
  clients.push(client)
  return client
}
/** The credentials that the server saw, one request after the other. */
const seen = () =>
  claude.requests.map(({ headers }) => ({ key: headers['x-api-key'], bearer: headers.authorization }))

beforeEach(async () => {
  claude = await startClaude({ apiKeys: ['sk-real', 'sk-caller', 'token-2'] })
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  await claude.close()
})

describe('a credential', () => {
  it('goes out as x-api-key to Anthropic', async () => {
    await clientWith({ credential: 'sk-real' }).fetch(`${claude.url}/v1/messages`, question())
    expect(seen()).toEqual([{ key: 'sk-real', bearer: undefined }])
  })

  it('goes out as a bearer token when told so', async () => {
    const client = clientWith({ credential: 'sk-real', scheme: 'bearer' })
    await client.fetch(`${claude.url}/v1/messages`, question())
    expect(seen()).toEqual([{ key: undefined, bearer: 'Bearer sk-real' }])
  })

  it('takes the place of whatever the caller presented, however it is spelt', async () => {
    const client = clientWith({ credential: 'sk-real' })
    const headers = { 'X-API-Key': 'sk-caller', Authorization: 'Bearer sk-caller' }
    await client.fetch(`${claude.url}/v1/messages`, question({ headers }))
    await client.complete('Hello', { headers })
    const ours = { key: 'sk-real', bearer: undefined }
    expect(seen()).toEqual([ours, ours])
  })

  it("left out keeps the caller's", async () => {
    await clientWith({}).fetch(`${claude.url}/v1/messages`, question())
    expect(seen()).toEqual([{ key: 'sk-caller', bearer: undefined }])
  })

  it('of null sends none at all', async () => {
    const headers = { 'x-api-key': 'sk-caller', authorization: 'Bearer sk-caller' }
    const client = clientWith({ credential: null })
    await client.fetch(`${claude.url}/v1/messages`, question({ headers }))
    await client.fetch(`${claude.url}/v1/models`, { headers })
    const none = { key: undefined, bearer: undefined }
    expect(seen()).toEqual([none, none])
  })

  it('may be a function, asked for each call', async () => {
    let calls = 0
    const client = clientWith({
      credential: async () => {
        calls++
        return 'sk-real'
      },
    })
    await client.complete('Hello')
    await client.complete('Hello')
    expect(calls).toBe(2)
    expect(seen()).toEqual(Array(2).fill({ key: 'sk-real', bearer: undefined }))
  })
})

describe('an OAuth token', () => {
  const betasFor = async (headers: Record<string, string>): Promise<string | undefined> => {
    const client = clientWith({ credential: 'sk-real', scheme: 'oauth' })
    await client.fetch(`${claude.url}/v1/messages`, question({ headers }))
    return claude.requests[0]?.headers['anthropic-beta']
  }

  it('goes out as a bearer token with the beta value that it needs', async () => {
    expect(await betasFor({})).toBe('oauth-2025-04-20')
    expect(seen()).toEqual([{ key: undefined, bearer: 'Bearer sk-real' }])
  })

  it("keeps the caller's beta values", async () => {
    expect(await betasFor({ 'anthropic-beta': 'context-1m-2025-08-07' })).toBe(
      'context-1m-2025-08-07,oauth-2025-04-20',
    )
  })

  it('does not name its beta value twice', async () => {
    expect(await betasFor({ 'anthropic-beta': 'oauth-2025-04-20' })).toBe('oauth-2025-04-20')
  })
})

describe('a refused credential', () => {
  it('is replaced once when its source has a newer one', async () => {
    const tokens = ['token-1', 'token-2']
    const credential = refreshingToken({ refresh: async () => ({ value: tokens.shift() ?? 'none' }) })
    const { text } = await clientWith({ credential }).complete('Hello')
    expect(text).not.toBe('')
    expect(seen().map(({ key }) => key)).toEqual(['token-1', 'token-2'])
  })

  it('is replaced once only: the second 401 is returned', async () => {
    let refreshed = 0
    const credential = refreshingToken({ refresh: async () => ({ value: `wrong-${++refreshed}` }) })
    const response = await clientWith({ credential }).fetch(`${claude.url}/v1/messages`, question())
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: { type: 'authentication_error' } })
    expect(seen().map(({ key }) => key)).toEqual(['wrong-1', 'wrong-2'])
  })

  it('is not sent again when it is fixed', async () => {
    const response = await clientWith({ credential: 'wrong' }).fetch(`${claude.url}/v1/messages`, question())
    expect(response.status).toBe(401)
    expect(claude.requests).toHaveLength(1)
  })

  it('brings on one refresh, however many calls it was refused for', async () => {
    let refreshed = 0
    const credential = refreshingToken({
      initial: { value: 'old' },
      refresh: async () => {
        refreshed++
        return { value: 'token-2' }
      },
    })
    const client = clientWith({ credential })
    const texts = await Promise.all(Array.from({ length: 20 }, () => client.complete('Hello')))
    expect(texts).toHaveLength(20)
    expect(refreshed).toBe(1)
  })
})

describe('a credential that cannot be obtained', () => {
  const secret = 'sk-very-secret'
  const failing = () =>
    clientWith({
      credential: refreshingToken({ refresh: () => Promise.reject(new Error(`400 for ${secret}`)) }),
    })

  it('fails the call as authentication, without sending anything', async () => {
    const error = await rejection(failing().complete('Hello'))
    expect(error).toMatchObject({ code: 'SPILLWAY_AUTHENTICATION', failure: { origin: 'spillway' } })
    expect(claude.requests).toHaveLength(0)
  })

  it('never shows what the refresh threw', async () => {
    const client = failing()
    const error = await rejection(client.complete('Hello'))
    const response = await client.fetch(`${claude.url}/v1/messages`, question())
    expect(response.status).toBe(401)
    for (const text of [String(error), JSON.stringify(error), inspect(error), await response.text()]) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain('400 for')
    }
  })

  it('fails the same way when the function throws at once', async () => {
    const client = clientWith({
      credential: () => {
        throw new Error(secret)
      },
    })
    const error = await rejection(client.complete('Hello'))
    expect(error).toMatchObject({ code: 'SPILLWAY_AUTHENTICATION' })
    expect(inspect(error)).not.toContain(secret)
  })
})

describe('a call that waits for its credential', () => {
  it('waits no longer than its deadline, and ten seconds at most', async () => {
    const source = tokenSource(() => new Promise<string>(() => {}))
    for (const [deadline, waited] of [
      [3_000, 3_000],
      [60_000, 10_000],
      [Infinity, 10_000],
    ] as const) {
      const clock = virtualClock()
      const failure = await clock.runUntil(
        Promise.resolve(obtainToken(source, { clock, signal: undefined, deadline })),
      )
      expect(failure).toMatchObject({ kind: 'authentication', origin: 'spillway', scope: 'key' })
      expect(clock.now()).toBe(waited)
    }
  })

  it('gives a secret back that comes too late', async () => {
    const clock = virtualClock()
    let released = 0
    const late = Promise.withResolvers<AccessToken>()
    const source = { token: () => late.promise, refused() {} }
    const failure = Promise.resolve(obtainToken(source, { clock, signal: undefined, deadline: 1_000 }))
    expect(await clock.runUntil(failure)).toMatchObject({ kind: 'authentication' })
    late.resolve({ value: 'k', release: () => released++ })
    await clock.advance(0)
    expect(released).toBe(1)
  })

  it('ends at once when the caller aborts, and leaves no listener', async () => {
    const credential = refreshingToken({ refresh: () => new Promise(() => {}) })
    const { signal, abort } = abortable()
    const sent = rejection(clientWith({ credential }).complete('Hello', { signal }))
    await new Promise(setImmediate)
    abort('left')
    expect(await sent).toBe('left')
    expect(abortListeners(signal)).toBe(0)
    expect(claude.requests).toHaveLength(0)
  })

  it('does not take the refresh away from other calls when it is aborted', async () => {
    const { promise, resolve } = Promise.withResolvers<{ value: string }>()
    const client = clientWith({ credential: refreshingToken({ refresh: () => promise }) })
    const { signal, abort } = abortable()
    const first = rejection(client.complete('Hello', { signal }))
    const second = client.complete('Hello')
    abort('left')
    resolve({ value: 'sk-real' })
    expect(await first).toBe('left')
    expect((await second).text).not.toBe('')
  })

  it('aborted from the start leaves no rejection behind', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const client = clientWith({ credential: refreshingToken({ refresh: () => Promise.reject(new Error()) }) })
    const { signal, abort } = abortable()
    abort('left')
    expect(await rejection(client.complete('Hello', { signal }))).toBe('left')
    await new Promise((resolve) => setTimeout(resolve, 10))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})

describe('a secret that is lent', () => {
  /** Lends these, one after the other, and counts what is out. */
  function lender(...values: string[]) {
    const counts = { granted: 0, open: 0, given: 0, refused: [] as string[] }
    const credential: TokenSource = {
      token() {
        const value = values.length > 1 ? values.shift() : values[0]
        counts.granted++
        counts.open++
        const release = (): void => {
          counts.open--
          counts.given++
        }
        return { value: value as string, release }
      },
      refused: (value) => void counts.refused.push(value),
    }
    return { counts, credential }
  }

  it('is given back once when the answer is over, and not before', async () => {
    const { counts, credential } = lender('sk-real')
    claude.next({ type: 'stall', afterChunks: 1, ms: 50 })
    const { body } = await clientWith({ credential }).fetch(
      `${claude.url}/v1/messages`,
      question({ stream: true }),
    )
    expect(counts).toMatchObject({ granted: 1, open: 1 })
    await new Response(body).text()
    await new Promise(setImmediate)
    expect(counts).toMatchObject({ granted: 1, open: 0, given: 1 })
  })

  it('is given back when the answer is dropped', async () => {
    const { counts, credential } = lender('sk-real')
    claude.next({ type: 'stall', afterChunks: 1, ms: Infinity })
    const { body } = await clientWith({ credential }).fetch(
      `${claude.url}/v1/messages`,
      question({ stream: true }),
    )
    await body?.cancel()
    await new Promise(setImmediate)
    expect(counts).toMatchObject({ open: 0, given: 1 })
  })

  it('is given back when the attempt fails', async () => {
    const { counts, credential } = lender('sk-real')
    claude.next({ type: 'reset' }, { type: 'status', status: 529 })
    const client = clientWith({ credential })
    await rejection(client.complete('Hello'))
    await rejection(client.complete('Hello'))
    await new Promise(setImmediate)
    expect(counts).toMatchObject({ granted: 2, open: 0, given: 2 })
  })

  it('is given back when the caller aborts while it waits for an answer', async () => {
    const { counts, credential } = lender('sk-real')
    claude.next({ type: 'slow-headers', ms: Infinity })
    const { signal, abort } = abortable()
    const arrived = claude.nextRequest()
    const sent = rejection(clientWith({ credential }).complete('Hello', { signal }))
    await arrived
    abort('left')
    await sent
    await new Promise(setImmediate)
    expect(counts).toMatchObject({ granted: 1, open: 0, given: 1 })
  })

  it('is given back when it comes after the caller has left', async () => {
    const { counts, credential } = lender('sk-real')
    const { promise, resolve } = Promise.withResolvers<void>()
    const late: TokenSource = {
      ...credential,
      token: async (clock) => promise.then(() => credential.token(clock)),
    }
    const { signal, abort } = abortable()
    const sent = rejection(clientWith({ credential: late }).complete('Hello', { signal }))
    await new Promise(setImmediate)
    abort('left')
    await sent
    resolve()
    await new Promise(setImmediate)
    expect(counts).toMatchObject({ granted: 1, open: 0, given: 1 })
  })

  it('that is refused is given back, and so is the next, whether it differs or not', async () => {
    const different = lender('wrong', 'sk-real')
    await clientWith({ credential: different.credential }).complete('Hello')
    const same = lender('wrong')
    await rejection(clientWith({ credential: same.credential }).complete('Hello'))
    await new Promise(setImmediate)
    for (const { counts } of [different, same]) {
      expect(counts).toEqual({ granted: 2, open: 0, given: 2, refused: ['wrong'] })
    }
  })

  it('is given back by calls that are not of a model, too', async () => {
    const { counts, credential } = lender('wrong', 'sk-real')
    const client = clientWith({ credential })
    const headers = { 'anthropic-version': '2023-06-01' }
    expect((await client.fetch(`${claude.url}/v1/models`, { headers })).status).toBe(200)
    expect(counts).toEqual({ granted: 2, open: 0, given: 2, refused: ['wrong'] })
  })
})

function abortable(): { signal: AbortSignal; abort: (reason: unknown) => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) }
}

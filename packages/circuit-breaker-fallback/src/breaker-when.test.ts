import {
  createRequest,
  type Failure,
  type FailureKind,
  type Handler,
  type ModelRequest,
} from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { failureResponse } from '@spillway/wire'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createCircuitBreaker } from './circuit-breaker.ts'
import { type CircuitBreakerOptions, circuitBreakerDefaults } from './circuit-breaker-options.ts'
import { fallback, fallbackDefaults } from './fallback.ts'

const warn = vi.spyOn(process, 'emitWarning')
beforeEach(() => {
  warn.mockReset().mockImplementation(() => {})
})

/** The broken hooks that warnings name. */
const told = (): unknown[] => warn.mock.calls.map(([text]) => String(text).split(' ', 1)[0])

function request(): ModelRequest {
  return createRequest({
    ...{ api: 'anthropic', model: 'm', stream: false, url: '/v1/messages' },
    body: jsonBodyFromObject({ model: 'm' }),
    clock: virtualClock(),
  })
}

const failing = (kind: FailureKind, change: Partial<Failure> = {}): Failure => ({
  ...{ kind, message: kind, retryable: true, scope: 'endpoint', origin: 'upstream' },
  ...change,
})

const answering =
  (failure: Failure | undefined): Handler =>
  async (call) => {
    const response = failureResponse(call, failing('server'))
    const outcome = { ...(await response.outcome), failure }
    return { ...response, failure, outcome: Promise.resolve(outcome) }
  }

/** The circuits of model and key after calls that all fail so. */
async function statesAfter(
  failure: Failure,
  options: CircuitBreakerOptions,
): Promise<Record<string, string>> {
  const breaker = createCircuitBreaker({ minimumCalls: 2, ...options })
  const handler = breaker.middleware(answering(failure))
  for (let call = 0; call < 3; call++) await handler(request())
  return Object.fromEntries(breaker.states().map(({ scope, state }) => [scope, state]))
}

describe('circuitBreaker.when', () => {
  it('decides what counts, and leaves the rest to the default', async () => {
    const paced = failing('rate_limited')
    expect(await statesAfter(paced, {})).toEqual({ key: 'closed', model: 'closed' })
    const when = ({ kind }: Failure): boolean | undefined =>
      kind === 'rate_limited' ? true : kind === 'truncated' ? false : undefined
    expect(await statesAfter(paced, { when })).toEqual({ key: 'closed', model: 'open' })
    expect(await statesAfter(failing('truncated'), { when })).toEqual({ key: 'closed', model: 'closed' })
    expect(await statesAfter(failing('overloaded'), { when })).toEqual({ key: 'closed', model: 'open' })
  })

  it('holds for the circuit of the key where the vendor refuses the key', async () => {
    const refused = failing('authentication', { scope: 'key' })
    expect(await statesAfter(refused, { when: () => true })).toEqual({ key: 'open', model: 'closed' })
    expect(await statesAfter(refused, { when: () => false })).toEqual({ key: 'closed', model: 'closed' })
  })

  it('is not asked of refusals of Spillway’s own', async () => {
    const when = vi.fn(() => true)
    const refused = failing('saturated', { origin: 'spillway' })
    expect(await statesAfter(refused, { when })).toEqual({ key: 'closed', model: 'closed' })
    expect(when).not.toHaveBeenCalled()
  })

  it.each([
    [
      'throws',
      (): never => {
        throw new Error('broken')
      },
    ],
    ['answers later', async () => false],
  ])('that %s is replaced by the default and told of once', async (_, when) => {
    const options = { when: when as unknown as () => boolean }
    expect(await statesAfter(failing('overloaded'), options)).toEqual({ key: 'closed', model: 'open' })
    expect(told()).toEqual(['circuitBreaker.when'])
  })
})

describe('hooks of a breaker that throw', () => {
  const fail = (): never => {
    throw new Error('broken')
  }

  it('break no call: the default key, and no key’s circuit where nobody can tell whose key it is', async () => {
    const breaker = createCircuitBreaker({ key: fail, credential: fail, minimumCalls: 2 })
    const heard: string[] = []
    breaker.onChange(fail)
    breaker.onChange(({ to }) => heard.push(to))
    const handler = breaker.middleware(answering(failing('overloaded')))
    const kinds = []
    for (let call = 0; call < 3; call++) kinds.push((await handler(request())).failure?.kind)
    expect(kinds).toEqual(['overloaded', 'overloaded', 'circuit_open'])
    expect(heard).toEqual(['open'])
    expect(breaker.states().map(({ key }) => key)).toEqual(['m'])
    expect(new Set(told())).toEqual(new Set(['circuitBreaker.key', 'circuitBreaker.credential', 'a']))
  })

  it('and a when of the fallback that throws leaves it to the default', async () => {
    const other = { name: 'other', handler: answering(undefined) }
    const chain = fallback([other], { when: fail })
    expect((await chain(answering(failing('overloaded')))(request())).failure).toBeUndefined()
    expect((await chain(answering(failing('invalid_request')))(request())).failure?.kind).toBe(
      'invalid_request',
    )
  })

  it('and a when of the fallback may leave a failure to the default', async () => {
    const other = { name: 'other', handler: answering(undefined) }
    const chain = fallback([other], { when: ({ kind }) => (kind === 'invalid_request' ? true : undefined) })
    expect((await chain(answering(failing('invalid_request')))(request())).failure).toBeUndefined()
    expect((await chain(answering(failing('refusal')))(request())).failure?.kind).toBe('refusal')
  })
})

describe('an option that is undefined means its default', () => {
  it.each([...Object.keys(circuitBreakerDefaults), 'credential', 'shared'])(
    'circuitBreaker.%s',
    async (name) => {
      const states = async (options: CircuitBreakerOptions): Promise<unknown> => {
        const breaker = createCircuitBreaker(options)
        const handler = breaker.middleware(answering(failing('overloaded')))
        for (let call = 0; call < 21; call++) await handler(request())
        return breaker.states().map(({ key, state, refused }) => ({ key, state, refused }))
      }
      expect(await states({ [name]: undefined })).toEqual(await states({}))
    },
  )

  it.each(Object.keys(fallbackDefaults))('fallback.%s', async (name) => {
    const other = { name: 'other', handler: answering(undefined) }
    const deadlines: number[] = []
    const first: Handler = (call) => {
      deadlines.push(call.deadline)
      return answering(failing('overloaded'))(call)
    }
    for (const options of [{}, { [name]: undefined }])
      expect((await fallback([other], options)(first)(request())).failure).toBeUndefined()
    expect(deadlines[1]).toBe(deadlines[0])
  })
})

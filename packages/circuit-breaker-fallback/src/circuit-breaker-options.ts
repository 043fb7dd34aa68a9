import type { Failure, ModelRequest } from '@spillway/middleware'
import { guardHook, withDefaults } from '@spillway/middleware/kit'
import { isEndpointFailure, isKeyFailure } from '@spillway/wire'
import type { BreakerStore } from './breaker-store.ts'
import type { CircuitChange } from './circuit-breaker.ts'

export interface CircuitBreakerOptions {
  /**
   * How far back calls count, in milliseconds. It slides in tenths. A call counts when it is over, however long it took.
   * @default 60000
   */
  readonly window?: number
  /**
   * A circuit with fewer calls in its window never opens; a whole number, 1 or more.
   * @default 20
   */
  readonly minimumCalls?: number
  /**
   * A circuit opens when this share of its calls has failed; above 0, at most 1.
   * @default 0.5
   */
  readonly failureRate?: number
  /**
   * A stream whose first content takes longer is a slow call, in milliseconds; Infinity: none is.
   * @default Infinity
   */
  readonly slowCallThreshold?: number
  /**
   * A circuit opens when this share of its streams is slow; above 0, at most 1.
   * @default 0.8
   */
  readonly slowCallRate?: number
  /**
   * How long an open circuit refuses everything, in milliseconds.
   * @default 15000
   */
  readonly openFor?: number
  /**
   * How many calls test an endpoint afterwards, at a time and in all; a whole number, 1 or more.
   * @default 3
   */
  readonly halfOpenProbes?: number
  /**
   * After so many milliseconds a probe times out: one whose content flows counts as a success, any other
   * gives its place to another call.
   * @default 60000
   */
  readonly probeTimeout?: number
  /**
   * Which circuit a call belongs to.
   * @default one for each model, and another one for counting its tokens
   */
  readonly key?: (request: ModelRequest) => string
  /**
   * Whose key a call goes out with, by a name that may be shown and shared, such as a fingerprint: for endpoints to which
   * each caller brings its own. Each has a circuit then, so that a key which is refused affects no other caller.
   * @default one key for all calls
   */
  readonly credential?: (request: ModelRequest) => string
  /** Hears every change of a circuit, as `onChange` of `createCircuitBreaker` does. What it throws touches no call. */
  readonly onChange?: ((change: CircuitChange) => void) | undefined
  /**
   * How many circuits are kept at most, of models and of keys each; beyond that, those that have been idle longest
   * are forgotten, closed ones first. Of more than 50, closed ones are forgotten when they were idle for their window.
   * @default 1000
   */
  readonly maxKeys?: number
  /**
   * The endpoint, to tell it from others in a shared store.
   * @default ''
   */
  readonly name?: string
  /**
   * Decides whether a failure counts; `undefined` leaves it to the default. What the vendor says of the key counts in the
   * circuit of the key, everything else in that of the model. Never asked of refusals of Spillway's own.
   * @default failures of the endpoint or the model, and refusals of the key; no caller errors, and no 429
   */
  readonly when?: (failure: Failure) => boolean | undefined
  /** Makes openings known to other processes, and theirs to this one. */
  readonly shared?: BreakerStore
}

export type CircuitBreakerSettings = Required<
  Omit<CircuitBreakerOptions, 'shared' | 'credential' | 'onChange' | 'when'>
> & {
  readonly when: (failure: Failure) => boolean
}

/** The defaults of {@link CircuitBreakerOptions}. */
export const circuitBreakerDefaults: CircuitBreakerSettings = {
  window: 60_000,
  minimumCalls: 20,
  failureRate: 0.5,
  slowCallThreshold: Infinity,
  slowCallRate: 0.8,
  openFor: 15_000,
  halfOpenProbes: 3,
  probeTimeout: 60_000,
  key: ({ operation, model }) => (operation === 'generate' ? model : `${operation} ${model}`),
  maxKeys: 1_000,
  name: '',
  when: (failure) => isEndpointFailure(failure) || isKeyFailure(failure),
}

/** @throws RangeError for options out of range */
export function settingsOf(options: CircuitBreakerOptions): CircuitBreakerSettings {
  const { when, key } = circuitBreakerDefaults
  const settings: CircuitBreakerSettings = {
    ...withDefaults(circuitBreakerDefaults, options),
    when: guardHook('circuitBreaker.when', options.when, when, (answer) => typeof answer === 'boolean'),
    key: guardHook('circuitBreaker.key', options.key, key, (answer) => typeof answer === 'string'),
  }
  const check = (
    name: keyof CircuitBreakerSettings,
    isValid: (value: number) => boolean,
    must: string,
  ): void => {
    const value = settings[name] as number
    if (!isValid(value)) throw new RangeError(`circuitBreaker.${name} must be ${must}, but is ${value}`)
  }
  const isTime = (value: number): boolean => value > 0 && value < Infinity
  const isShare = (value: number): boolean => value > 0 && value <= 1
  const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1
  check('window', isTime, 'milliseconds, more than 0')
  check('openFor', isTime, 'milliseconds, more than 0')
  check('probeTimeout', (value) => value > 0, 'milliseconds, more than 0')
  check('slowCallThreshold', (value) => value > 0, 'milliseconds, more than 0')
  check('failureRate', isShare, 'above 0 and at most 1')
  check('slowCallRate', isShare, 'above 0 and at most 1')
  check('minimumCalls', isCount, 'a whole number, 1 or more')
  check('halfOpenProbes', isCount, 'a whole number, 1 or more')
  check('maxKeys', isCount, 'a whole number, 1 or more')
  return settings
}

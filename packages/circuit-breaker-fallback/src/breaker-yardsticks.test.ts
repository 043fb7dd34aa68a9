import { describe, expect, it } from 'vitest'
import { bench } from '../test/breaker-bench.ts'
import { failureOf } from '../test/controlled-endpoint.ts'
import type { CircuitBreakerOptions } from './circuit-breaker-options.ts'

/**
 * One step: a success, a failure, an ignored failure, a slow success, a call that must be let through or be refused (and
 * is left under way), the circuit opened by failures, so many seconds that pass, or the state that must be.
 */
type Step =
  | 'ok'
  | 'fail'
  | 'ignored'
  | 'slow'
  | 'enters'
  | 'refused'
  | 'trip'
  | { readonly seconds: number }
  | { readonly is: 'closed' | 'open' | 'half_open'; readonly calls?: number; readonly failures?: number }

interface Case {
  readonly name: string
  readonly options?: CircuitBreakerOptions
  readonly steps: readonly Step[]
}

const times = (count: number, step: Step): Step[] => Array.from({ length: count }, () => step)

async function check({ options, steps }: Case): Promise<void> {
  const { clock, fail, run, send, state } = bench(options)
  for (const step of steps) {
    if (step === 'ok') await run()
    else if (step === 'fail') await run(failureOf('server'))
    else if (step === 'ignored') await run(failureOf('invalid_request', { scope: 'request' }))
    else if (step === 'slow') {
      const { call } = send()
      await clock.advance(5_000)
      await call?.end()
    } else if (step === 'enters') expect(send().call).toBeDefined()
    else if (step === 'refused') expect(send().call).toBeUndefined()
    else if (step === 'trip') await fail(options?.minimumCalls ?? 1)
    else if ('seconds' in step) await clock.advance(step.seconds * 1_000)
    else {
      const { is, ...counts } = step
      expect(state()).toMatchObject({ state: is, ...counts })
    }
  }
}

/** Half-open, with the given number of probes; the rate applies to them. */
const halfOpen = { openFor: 5_000 }
const toHalfOpen: Step[] = ['trip', { is: 'open' }, { seconds: 5 }]

describe('the cases of resilience4j', () => {
  const options: CircuitBreakerOptions = {
    window: 50_000,
    minimumCalls: 5,
    failureRate: 0.5,
    slowCallThreshold: 4_000,
    slowCallRate: 0.5,
    openFor: 5_000,
    halfOpenProbes: 4,
    probeTimeout: 3_600_000,
  }
  const cases: Case[] = [
    { name: 'an open circuit permits no call', steps: ['trip', 'refused'] },
    {
      name: 'permissions of a half-open circuit run out, and come back with a release',
      steps: [...toHalfOpen, ...times(4, 'enters'), 'refused', 'refused'],
    },
    {
      name: 'it opens when the failure rate is exceeded (there by the fifth call, a success; here by the next failure)',
      steps: [
        ...times(3, 'fail'),
        { is: 'closed', calls: 3, failures: 3 },
        ...times(2, 'ok'),
        { is: 'closed', calls: 5, failures: 3 },
        'fail',
        { is: 'open' },
        'refused',
      ],
    },
    {
      name: 'it opens when the slow call rate is exceeded',
      steps: ['slow', 'ok', 'slow', 'ok', { is: 'closed' }, 'slow', { is: 'open' }],
    },
    {
      name: 'it is half-open after the wait and not before',
      steps: [
        'trip',
        'refused',
        { seconds: 3 },
        'refused',
        { is: 'open' },
        { seconds: 3 },
        'enters',
        { is: 'half_open' },
      ],
    },
    {
      name: 'it opens again when probes fail at the rate (there after all four; here as soon as it is certain)',
      steps: [...toHalfOpen, 'fail', { is: 'half_open' }, 'fail', { is: 'open' }],
    },
    {
      name: 'it opens again when probes are slow at the rate',
      steps: [...toHalfOpen, 'slow', { is: 'half_open' }, 'slow', { is: 'open' }],
    },
    {
      name: 'it closes when the rate of failed probes is below the threshold, and counts from nothing',
      steps: [
        ...toHalfOpen,
        'fail',
        ...times(3, 'ok'),
        { is: 'closed', calls: 0 },
        'ok',
        { is: 'closed', calls: 1 },
      ],
    },
    {
      name: 'an ignored failure gives its permission back',
      steps: [
        ...toHalfOpen,
        'ok',
        'ok',
        { is: 'half_open', calls: 2 },
        'ignored',
        { is: 'half_open', calls: 2 },
        'ok',
        { is: 'closed' },
      ],
    },
    {
      name: 'ignored failures, then successes: it closes',
      steps: [
        ...toHalfOpen,
        ...times(3, 'ignored'),
        { is: 'half_open', calls: 0 },
        ...times(3, 'ok'),
        { is: 'closed', calls: 0 },
      ],
    },
    {
      name: 'the second half-open period has all its permissions again',
      steps: [...toHalfOpen, 'fail', 'fail', { seconds: 5 }, ...times(4, 'enters'), 'refused'],
    },
  ]
  it.each(cases)('$name', (each) => check({ options, ...each }))
})

describe('the cases of failsafe-go', () => {
  const cases: Case[] = [
    {
      name: 'closed: one failure opens by default',
      options: { minimumCalls: 1 },
      steps: ['fail', { is: 'open' }],
    },
    {
      name: 'closed: a success keeps it closed',
      options: { minimumCalls: 1 },
      steps: ['ok', { is: 'closed' }],
    },
    {
      name: 'closed: two of three',
      options: { minimumCalls: 3, failureRate: 2 / 3 },
      steps: ['fail', 'ok', { is: 'closed' }, 'fail', { is: 'open' }],
    },
    {
      name: 'closed: every second call fails, three of four would open',
      options: { minimumCalls: 4, failureRate: 0.75 },
      steps: times(20, 'ok').flatMap((ok): Step[] => [ok, 'fail', { is: 'closed' }]),
    },
    {
      name: 'open: no permit until the delay is over, then half-open',
      options: { minimumCalls: 1, openFor: 100 },
      steps: ['fail', 'refused', { seconds: 0.11 }, 'enters', { is: 'half_open' }],
    },
    {
      name: 'half-open: one failure opens by default',
      options: { ...halfOpen, minimumCalls: 1, halfOpenProbes: 1 },
      steps: [...toHalfOpen, 'fail', { is: 'open' }],
    },
    {
      name: 'half-open: one success closes by default',
      options: { ...halfOpen, minimumCalls: 1, halfOpenProbes: 1 },
      steps: [...toHalfOpen, 'ok', { is: 'closed' }],
    },
    {
      name: 'half-open: three successes needed, a failure among them opens',
      options: { ...halfOpen, minimumCalls: 1, halfOpenProbes: 3, failureRate: 0.3 },
      steps: [...toHalfOpen, 'ok', 'ok', { is: 'half_open' }, 'fail', { is: 'open' }],
    },
    {
      name: 'half-open: three successes needed, and had',
      options: { ...halfOpen, minimumCalls: 1, halfOpenProbes: 3, failureRate: 0.3 },
      steps: [...toHalfOpen, 'ok', 'ok', { is: 'half_open' }, 'ok', { is: 'closed' }],
    },
    {
      name: 'half-open: two of three failures open',
      options: { ...halfOpen, minimumCalls: 1, halfOpenProbes: 3, failureRate: 2 / 3 },
      steps: [...toHalfOpen, 'fail', 'ok', { is: 'half_open' }, 'fail', { is: 'open' }],
    },
    {
      name: 'half-open: two of three failures are not reached',
      options: { ...halfOpen, minimumCalls: 1, halfOpenProbes: 3, failureRate: 2 / 3 },
      steps: [...toHalfOpen, 'fail', 'ok', { is: 'half_open' }, 'ok', { is: 'closed' }],
    },
    {
      name: 'half-open: three of four successes needed, two failures open',
      options: { ...halfOpen, minimumCalls: 1, halfOpenProbes: 4, failureRate: 0.5 },
      steps: [...toHalfOpen, 'ok', 'fail', 'ok', { is: 'half_open' }, 'fail', { is: 'open' }],
    },
    {
      name: 'half-open: three of four successes needed, and had',
      options: { ...halfOpen, minimumCalls: 1, halfOpenProbes: 4, failureRate: 0.5 },
      steps: [...toHalfOpen, 'ok', 'fail', 'ok', { is: 'half_open' }, 'ok', { is: 'closed' }],
    },
    {
      name: 'time-based statistics: what has left the window does not count',
      options: { window: 40_000, minimumCalls: 1_000 },
      steps: [
        ...times(10, 'ok'),
        ...times(40, 'fail'),
        { is: 'closed', calls: 50, failures: 40 },
        { seconds: 10 },
        ...times(10, 'ok'),
        { is: 'closed', calls: 60, failures: 40 },
        { seconds: 15 },
        ...times(20, 'fail'),
        { is: 'closed', calls: 80, failures: 60 },
        { seconds: 6 },
        ...times(5, 'ok'),
        ...times(20, 'fail'),
        { is: 'closed', calls: 105, failures: 80 },
        { seconds: 19 },
        ...times(8, 'ok'),
        { is: 'closed', calls: 53, failures: 40 },
        { seconds: 20 },
        ...times(5, 'fail'),
        { is: 'closed', calls: 13, failures: 5 },
        { seconds: 152 },
        { is: 'closed', calls: 0, failures: 0 },
      ],
    },
  ]
  it.each(cases)('$name', check)
})

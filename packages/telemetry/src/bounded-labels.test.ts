import { describe, expect, it } from 'vitest'
import { boundedModels, type LabelledCall, otherLabel } from './bounded-labels.ts'

const call = (requestModel: string, more: Partial<LabelledCall> = {}): LabelledCall => ({
  operation: 'chat',
  provider: 'anthropic',
  requestModel,
  responseModel: undefined,
  errorType: undefined,
  ...more,
})

describe('models in labels', () => {
  it('are told apart up to a bound, in requests and answers together', () => {
    const bound = boundedModels(3)
    expect(bound(call('a', { responseModel: 'a-1' }))).toMatchObject({
      requestModel: 'a',
      responseModel: 'a-1',
    })
    expect(bound(call('b', { responseModel: 'b-1' }))).toMatchObject({
      requestModel: 'b',
      responseModel: otherLabel,
    })
    expect(bound(call('c')).requestModel).toBe(otherLabel)
    expect(bound(call('a')).requestModel).toBe('a')
  })

  it('leave half of the places to names that were answered', () => {
    const bound = boundedModels(10)
    const failed = Array.from(
      { length: 20 },
      (_, at) => bound(call(`made-up-${at}`, { errorType: 'not_found' })).requestModel,
    )
    expect(failed.filter((name) => name !== otherLabel)).toHaveLength(5)
    const answered = Array.from({ length: 20 }, (_, at) => bound(call(`real-${at}`)).requestModel)
    expect(answered.filter((name) => name !== otherLabel)).toHaveLength(5)
    expect(bound(call('real-0', { errorType: 'server' })).requestModel).toBe('real-0')
  })

  it('make a bounded number of sets, however they are combined', () => {
    const bound = boundedModels(100)
    const sets = new Set<string>()
    for (let request = 0; request < 40; request++)
      for (let answer = 0; answer < 40; answer++)
        for (const errorType of [undefined, 'server', 'timeout', 'truncated'])
          sets.add(JSON.stringify(bound(call(`m-${request}`, { responseModel: `m-${answer}`, errorType }))))
    expect(sets.size).toBeLessThanOrEqual(500 + 4)
    expect(bound(call('m-0', { responseModel: 'm-0' }))).toMatchObject({
      requestModel: 'm-0',
      responseModel: 'm-0',
    })
    expect(bound(call('m-39', { responseModel: 'm-39', errorType: 'server' }))).toMatchObject({
      requestModel: otherLabel,
      responseModel: otherLabel,
    })
  })

  it('have the beginning of a long name', () => {
    expect(boundedModels(1)(call('x'.repeat(1_000))).requestModel).toBe('x'.repeat(128))
  })

  it('are not told apart where none are to be', () => {
    expect(boundedModels(0)(call('a', { responseModel: 'a' }))).toMatchObject({
      requestModel: otherLabel,
      responseModel: otherLabel,
    })
  })
})

import { type Clock, createRequest, type ModelRequest, systemClock, type Usage } from '@spillway/middleware'
import { jsonBodyFromBytes, jsonBodyFromObject, type Operation } from '@spillway/middleware/kit'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Estimate, sentAt, TokenEstimator } from './token-estimator.ts'

const minute = 60_000

let now = 0
const clock: Clock = { ...systemClock, now: () => now }

beforeEach(() => {
  now = 0
})

interface Asked {
  readonly model?: string
  readonly session?: string
  readonly operation?: Operation
}

function request(json: { [name: string]: unknown }, asked: Asked = {}): ModelRequest {
  const { model = 'm', session, operation = 'generate' } = asked
  return createRequest({
    api: 'anthropic',
    operation,
    model,
    stream: false,
    url: '/',
    body: jsonBodyFromObject(json),
    clock,
    context: { session },
  })
}

/** About as many tokens, at 3.5 bytes each. */
const text = (tokens: number, of = 'word '): string =>
  of.repeat(Math.ceil((tokens * 3.5) / of.length)).slice(0, tokens * 3.5)

/** The prompt of an agent: a long beginning, and so many turns of 1,000 tokens each. */
function agent(name: string, turns: number, asked: Asked = {}, beginning = 120_000): ModelRequest {
  const messages: object[] = [{ role: 'user', content: `${name} ${text(beginning)}` }]
  for (let turn = 0; turn < turns; turn++) {
    messages.push({ role: 'assistant', content: text(300) }, { role: 'user', content: text(700) })
  }
  return request({ messages }, asked)
}

function usageOf(usage: Partial<Usage>): Usage {
  return {
    inputTokens: 0,
    outputTokens: 500,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
    reasoningTokens: 0,
    estimated: false,
    ...usage,
  }
}

/** A prompt of which all but so many tokens came from the cache. */
const cached = (total: number, counted: number): Usage =>
  usageOf({ inputTokens: 10, cacheWriteTokens: counted - 10, cacheReadTokens: total - counted })

function expected(estimate: Estimate): number | undefined {
  return estimate.predicted?.inputTokens
}

describe('the output', () => {
  it.each<[{ [name: string]: unknown }, number]>([
    [{}, 500],
    [{ max_tokens: 7 }, 7],
    [{ max_completion_tokens: 7 }, 7],
    [{ max_tokens: null, max_completion_tokens: 7 }, 7],
    [{ max_tokens: 9_000 }, 500],
    [{ max_tokens: '7' }, 500],
    [{ max_tokens: -1 }, 500],
  ])('is no more than %j allows', (json, most) => {
    expect(new TokenEstimator().estimate(request(json)).outputTokens).toBe(most)
  })

  it('is limited without parsing the body where the place of the limit is known', () => {
    const bytes = Buffer.from('{"max_tokens":7, broken')
    const body = jsonBodyFromBytes(bytes, new Map([['max_tokens', [14, 15]]] as const))
    const known = createRequest({ api: 'anthropic', model: 'm', stream: false, url: '/', body })
    expect(new TokenEstimator().estimate(known).outputTokens).toBe(7)
  })

  it('is expected to be what it was on average, and reserved to be more than most', () => {
    const estimator = new TokenEstimator()
    expect(estimator.estimate(request({})).predicted?.outputTokens).toBe(0)
    for (let call = 0; call < 200; call++) {
      const outputTokens = call % 10 === 9 ? 2_000 : 100
      estimator.learn(estimator.estimate(request({})), usageOf({ inputTokens: 10, outputTokens }))
    }
    const { outputTokens, predicted } = estimator.estimate(request({}))
    expect(predicted?.outputTokens).toBeGreaterThan(90)
    expect(predicted?.outputTokens).toBeLessThan(600)
    expect(outputTokens).toBeGreaterThan(predicted?.outputTokens as number)
  })

  it('is reserved to be what answers in flight come to, of which more are long than of those that are over', () => {
    const estimator = new TokenEstimator()
    for (let call = 0; call < 400; call++) {
      const outputTokens = call % 20 === 10 ? 8_000 : 400
      estimator.learn(estimator.estimate(request({})), usageOf({ inputTokens: 10, outputTokens }))
    }
    // One answer in twenty is long. At any time half of those in flight are, since they take twenty times as long.
    const { outputTokens } = estimator.estimate(request({}))
    expect(outputTokens).toBeGreaterThan(3_500)
    expect(outputTokens).toBeLessThan(5_000)
  })
})

it('remembers the models that were used last, and not any number of them', () => {
  const estimator = new TokenEstimator()
  const guess = (model: string): number => estimator.estimate(request({}, { model })).outputTokens
  for (const model of ['kept', 'forgotten']) {
    for (let time = 0; time < 20; time++) {
      estimator.learn(
        estimator.estimate(request({}, { model })),
        usageOf({ inputTokens: 10, outputTokens: 2_000 }),
      )
    }
  }
  expect(guess('kept')).toBeGreaterThan(1_000)
  for (let index = 0; index < 2_000; index++) {
    guess(`model-${index}`)
    guess('kept')
  }
  expect(guess('kept')).toBeGreaterThan(1_000)
  expect(guess('forgotten')).toBe(500)
})

it('reserves nothing for a count of tokens', () => {
  const estimator = new TokenEstimator()
  const estimate = estimator.estimate(agent('a', 3, { operation: 'count_tokens' }))
  expect(estimate).toMatchObject({ inputTokens: 0, outputTokens: 0 })
  estimator.learn(estimate, usageOf({ inputTokens: 5 }))
})

describe('a prompt about which nothing is known', () => {
  it('is reserved as a whole, and expected to come to nothing that is known', () => {
    const estimate = new TokenEstimator().estimate(agent('a', 5))
    expect(estimate.inputTokens).toBeGreaterThan(120_000)
    expect(estimate.inputTokens).toBeLessThan(130_000)
    expect(expected(estimate)).toBe(0)
  })

  it('is expected to count as a whole where it is too small for any cache, or where reads count', () => {
    const small = new TokenEstimator().estimate(request({ messages: [{ role: 'user', content: text(500) }] }))
    expect(expected(small)).toBeGreaterThan(500)
    const whole = new TokenEstimator({ countCacheReads: true }).estimate(agent('a', 5))
    expect(expected(whole)).toBeGreaterThan(120_000)
  })

  it('is learned where it is small, with what the vendor adds to it', () => {
    const estimator = new TokenEstimator()
    const small = (): ModelRequest => request({ messages: [{ role: 'user', content: 'Hi' }] })
    for (let call = 0; call < 10; call++) {
      estimator.learn(estimator.estimate(small()), usageOf({ inputTokens: 350 }))
    }
    const { inputTokens, predicted } = estimator.estimate(small())
    expect(predicted?.inputTokens).toBeGreaterThan(250)
    expect(inputTokens).toBeGreaterThan(250)
    expect(inputTokens).toBeLessThan(400)
  })

  it('has images at their cost, and not as text', () => {
    const data = `iVBORw0KGgo${Buffer.alloc(600_000, 7).toString('base64')}`
    const source = { type: 'base64', media_type: 'image/png', data }
    const content = [
      { type: 'image', source },
      { type: 'text', text: 'What is it?' },
    ]
    const { inputTokens } = new TokenEstimator().estimate(request({ messages: [{ role: 'user', content }] }))
    expect(inputTokens).toBeGreaterThan(1_500)
    expect(inputTokens).toBeLessThan(2_000)
  })
})

describe('the next turn of a conversation', () => {
  it('counts by what it has more than the last one', () => {
    const estimator = new TokenEstimator()
    for (let turn = 0; turn < 20; turn++) {
      const estimate = estimator.estimate(agent('a', turn))
      if (turn > 0) {
        expect(expected(estimate)).toBeGreaterThan(700)
        expect(expected(estimate)).toBeLessThan(1_800)
        expect(estimate.inputTokens).toBeGreaterThan(1_000)
        expect(estimate.inputTokens).toBeLessThan(8_000)
      }
      // By the vendor's tokens, text is a third longer than estimated.
      const total = 1.33 * (120_000 + 1_000 * turn)
      estimator.learn(estimate, turn === 0 ? usageOf({ cacheWriteTokens: total }) : cached(total, 1_340))
      now += minute
    }
  })

  it('grows by text as dense as that before, though it has an image', () => {
    const data = `iVBORw0KGgo${Buffer.alloc(60_000, 7).toString('base64')}`
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } }
    const turn = (...more: object[]): ModelRequest =>
      request({
        messages: [{ role: 'user', content: [image, { type: 'text', text: text(90_000) }] }, ...more],
      })
    const estimator = new TokenEstimator()
    // By the vendor's tokens, text is a quarter longer than estimated.
    const total = 1_600 + 1.25 * 90_000
    estimator.learn(estimator.estimate(turn()), usageOf({ cacheWriteTokens: total }))
    const next = turn({ role: 'assistant', content: 'Yes.' }, { role: 'user', content: text(40_000) })
    expect(expected(estimator.estimate(next))).toBeGreaterThan(1.2 * 40_000)
    expect(expected(estimator.estimate(next))).toBeLessThan(1.3 * 40_000)
  })

  it('is expected to count until the cache has forgotten, and that is known', () => {
    const estimator = new TokenEstimator()
    estimator.learn(estimator.estimate(agent('a', 0)), usageOf({ cacheWriteTokens: 120_000 }))
    now = 4.5 * minute
    const estimate = estimator.estimate(agent('a', 1))
    expect([estimate.holdsFor, expected(estimate)]).toEqual([0.5 * minute, expect.closeTo(1_000, -3)])
    now += estimate.holdsFor as number
    expect(estimator.estimate(agent('a', 1)).holdsFor).toBe(Infinity)
    expect(expected(estimator.estimate(agent('a', 1)))).toBeGreaterThan(100_000)
    // What has waited is in the cache from when it was sent.
    estimator.learn(sentAt(estimate, now), cached(121_000, 1_000))
    expect(estimator.estimate(agent('a', 2)).holdsFor).toBe(5 * minute)
  })

  it('counts as a whole where nothing of it is cached', () => {
    const estimator = new TokenEstimator()
    for (let turn = 0; turn < 5; turn++) {
      const estimate = estimator.estimate(agent('a', turn))
      estimator.learn(estimate, usageOf({ inputTokens: 120_000 + 1_000 * turn }))
    }
    const estimate = estimator.estimate(agent('a', 5))
    expect(expected(estimate)).toBeGreaterThan(124_000)
    expect(estimate.inputTokens).toBeGreaterThan(124_000)
  })

  it('counts but for its system prompt where only that is cached', () => {
    const estimator = new TokenEstimator()
    for (let turn = 0; turn < 5; turn++) {
      const usage = usageOf({ inputTokens: 20_000 + 1_000 * turn, cacheReadTokens: 100_000 })
      estimator.learn(estimator.estimate(agent('a', turn)), usage)
    }
    expect(expected(estimator.estimate(agent('a', 5)))).toBeGreaterThan(24_000)
    expect(expected(estimator.estimate(agent('a', 5)))).toBeLessThan(27_000)
  })

  it.each([
    ['five minutes', 0, 6],
    ['an hour', 500, 61],
  ])('counts as a whole when the cache is gone, after %s', (_, cacheWrite1hTokens, minutes) => {
    const estimator = new TokenEstimator()
    const usage = usageOf({ cacheWriteTokens: 120_000, cacheWrite1hTokens })
    estimator.learn(estimator.estimate(agent('a', 0)), usage)
    now += (minutes - 2) * minute
    expect(expected(estimator.estimate(agent('a', 1)))).toBeLessThan(2_000)
    now += 2 * minute
    expect(expected(estimator.estimate(agent('a', 1)))).toBeGreaterThan(119_000)
    expect(estimator.estimate(agent('a', 1)).inputTokens).toBeGreaterThan(119_000)
  })

  it('learns that a cache is kept for an hour when it was there after five minutes', () => {
    const estimator = new TokenEstimator()
    for (let turn = 0; turn < 2; turn++) {
      estimator.learn(estimator.estimate(agent('a', turn)), usageOf({ cacheReadTokens: 120_000 }))
      now += 30 * minute
    }
    expect(expected(estimator.estimate(agent('a', 2)))).toBeLessThan(3_000)
  })

  it('counts all of what has become shorter: the cache has another beginning', () => {
    const estimator = new TokenEstimator()
    estimator.learn(estimator.estimate(agent('a', 50)), cached(170_000, 1_000))
    expect(estimator.estimate(agent('a', 1)).inputTokens).toBeGreaterThan(119_000)
    // The same prompt once more is a retry.
    expect(expected(estimator.estimate(agent('a', 50)))).toBeLessThan(1_000)
  })

  it('is told apart from the turns of sub-agents in the same session', () => {
    const estimator = new TokenEstimator()
    const session = 's'
    const main = (turns: number): ModelRequest => agent('main', turns, { session })
    const sub = (turns: number): ModelRequest => agent('sub', turns, { session }, 20_000)
    estimator.learn(estimator.estimate(main(1)), cached(121_000, 1_000))
    estimator.learn(estimator.estimate(sub(0)), cached(20_000, 20_000))
    for (let turn = 1; turn < 5; turn++) {
      expect(expected(estimator.estimate(sub(turn)))).toBeLessThan(2_000)
      estimator.learn(estimator.estimate(sub(turn)), cached(20_000 + 1_000 * turn, 1_000))
      expect(expected(estimator.estimate(main(turn + 1)))).toBeLessThan(3_000)
      estimator.learn(estimator.estimate(main(turn + 1)), cached(121_000 + 1_000 * turn, 1_000))
    }
  })

  it('is not reserved for much longer after a single miss of the cache', () => {
    const estimator = new TokenEstimator()
    for (let turn = 0; turn < 10; turn++) {
      const total = 120_000 + 1_000 * turn
      estimator.learn(estimator.estimate(agent('a', turn)), cached(total, turn === 8 ? total : 1_000))
    }
    expect(estimator.estimate(agent('a', 10)).inputTokens).toBeLessThan(15_000)
  })
})

describe('a conversation that is new', () => {
  it('is reserved as conversations of its model usually come to: ten agents fit after the first call', () => {
    const estimator = new TokenEstimator()
    estimator.learn(estimator.estimate(agent('first', 3)), cached(125_000, 2_000))
    const reserved = Array.from({ length: 10 }, (_, index) => estimator.estimate(agent(`${index}`, 3)))
    const sum = reserved.reduce((total, { inputTokens }) => total + inputTokens, 0)
    expect(sum).toBeLessThan(60_000)
    for (const estimate of reserved) expect(expected(estimate)).toBeGreaterThan(1_500)
    // Other models have other caches.
    expect(estimator.estimate(agent('x', 3, { model: 'other' })).inputTokens).toBeGreaterThan(120_000)
  })

  it('is reserved as a whole as long as only later turns are known', () => {
    const estimator = new TokenEstimator()
    estimator.learn(estimator.estimate(agent('first', 3)), cached(125_000, 2_000))
    expect(estimator.estimate(agent('x', 0)).inputTokens).toBeGreaterThan(119_000)
    estimator.learn(estimator.estimate(agent('y', 0)), cached(120_000, 30_000))
    expect(expected(estimator.estimate(agent('x', 0)))).toBeGreaterThan(29_000)
    expect(expected(estimator.estimate(agent('x', 0)))).toBeLessThan(32_000)
  })

  it('is not reserved as a whole because one of many was', () => {
    const estimator = new TokenEstimator()
    for (let call = 0; call < 30; call++) {
      const counted = call === 29 ? 125_000 : 2_000
      estimator.learn(estimator.estimate(agent(`${call}`, 3)), cached(125_000, counted))
    }
    expect(estimator.estimate(agent('x', 3)).inputTokens).toBeLessThan(15_000)
    for (let call = 0; call < 20; call++) {
      estimator.learn(estimator.estimate(agent(`late ${call}`, 3)), cached(125_000, 125_000))
    }
    expect(estimator.estimate(agent('x', 3)).inputTokens).toBeGreaterThan(100_000)
  })

  it('is not judged by prompts that no cache takes', () => {
    const estimator = new TokenEstimator()
    estimator.learn(estimator.estimate(agent('first', 3)), cached(125_000, 2_000))
    for (let call = 0; call < 30; call++) {
      const small = request({
        messages: [
          { role: 'user', content: `${call}` },
          { role: 'assistant', content: 'a' },
        ],
      })
      estimator.learn(estimator.estimate(small), usageOf({ inputTokens: 20 }))
    }
    expect(estimator.estimate(agent('x', 3)).inputTokens).toBeLessThan(6_000)
  })
})

describe('what text comes to', () => {
  const prose = (name: string): ModelRequest =>
    request({ messages: [{ role: 'user', content: `${name} ${text(30_000)}` }] }, { session: name })

  function reservedFor(...learned: [ModelRequest, Usage][]): number {
    const estimator = new TokenEstimator()
    for (const [asked, usage] of learned) estimator.learn(estimator.estimate(asked), usage)
    return estimator.estimate(prose('new')).inputTokens
  }

  it('is learned from calls without media', () => {
    const calls = Array.from({ length: 30 }, (_, index): [ModelRequest, Usage] => [
      prose(`${index}`),
      usageOf({ inputTokens: 52_500 }),
    ])
    expect(reservedFor(...calls)).toBeGreaterThan(48_000)
    expect(reservedFor(...calls)).toBeLessThan(54_000)
  })

  const data = `iVBORw0KGgo${Buffer.alloc(300_000, 7).toString('base64')}`
  const media: [string, object, number][] = [
    ['images', { type: 'image', source: { type: 'base64', media_type: 'image/png', data } }, 1_600],
    ['images by URL', { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }, 4_700],
    ['files by reference', { type: 'document', source: { type: 'file', file_id: 'f' } }, 200_000],
    [
      'documents',
      { type: 'document', source: { type: 'base64', data: `JVBERi0x${data.slice(8)}` } },
      200_000,
    ],
  ]

  it.each(media)('is not learned from %s', (_, block, inputTokens) => {
    const calls = Array.from({ length: 15 }, (_, index): [ModelRequest, Usage] => [
      request(
        { messages: [{ role: 'user', content: [block, { type: 'text', text: `${index}` }] }] },
        { session: `${index}` },
      ),
      usageOf({ inputTokens }),
    ])
    expect(Math.abs(reservedFor(...calls) - reservedFor())).toBeLessThan(100)
  })

  it('changes by little for one call that is unlike the others', () => {
    const usual = reservedFor([prose('a'), usageOf({ inputTokens: 30_000 })])
    const odd = reservedFor([prose('b'), usageOf({ inputTokens: 100_000 })])
    expect(odd).toBeGreaterThan(usual)
    expect(odd).toBeLessThan(usual * 1.2)
  })
})

it('never reserves less than it expects, nor more than the whole prompt, whatever it was told', () => {
  const usages = fc.record({
    inputTokens: fc.nat(300_000),
    cacheReadTokens: fc.nat(300_000),
    cacheWriteTokens: fc.nat(300_000),
    outputTokens: fc.nat(100_000),
  })
  const calls = fc.record({
    usage: usages,
    turns: fc.nat(5),
    name: fc.constantFrom('a', 'b', 'c'),
    wait: fc.nat(10 * minute),
  })
  fc.assert(
    fc.property(fc.array(calls, { maxLength: 30 }), fc.boolean(), (made, countCacheReads) => {
      const estimator = new TokenEstimator({ countCacheReads })
      for (const { usage, turns, name, wait } of made) {
        const estimate = estimator.estimate(agent(name, turns, {}, 1_000))
        expect(estimate.inputTokens).toBeGreaterThanOrEqual(estimate.predicted?.inputTokens ?? 0)
        expect(estimate.outputTokens).toBeGreaterThanOrEqual(estimate.predicted?.outputTokens ?? 0)
        expect(estimate.inputTokens).toBeLessThan(2_000_000)
        estimator.learn(estimate, usageOf(usage))
        now += wait
      }
    }),
    { numRuns: 50 },
  )
})

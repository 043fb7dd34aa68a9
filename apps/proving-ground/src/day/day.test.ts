import { describe, expect, it } from 'vitest'
import { figuresOf, judgeDay } from './judge.ts'
import { OwnWindow } from './own-windows.ts'
import { GrowingPrompt } from './prompt-body.ts'
import { simulateDay } from './run.ts'
import { sessionOf } from './traffic.ts'

describe('an hour of fifty agents', () => {
  it('gets through the limiter nearly what a perfect scheduler would let through, and nobody is refused for nothing', async () => {
    const set = { hours: 1, agents: 50, seed: 1, startHour: 10, pauseMinutes: 8 }
    const perfect = await simulateDay('perfect', set)
    const limiter = await simulateDay('limiter', set)
    const lines = judgeDay(figuresOf(limiter, perfect))
    expect(lines.filter(({ holds }) => !holds)).toEqual([])
    const calls = [...limiter.records.values()].reduce((sum, { answered }) => sum + answered, 0)
    expect(calls).toBeGreaterThan(1_500)
  }, 60_000)
})

describe('the traffic', () => {
  it('has prompts of which nine tenths are cached, from five to eight hundred thousand tokens', () => {
    let prompts = 0
    let added = 0
    let smallest = Infinity
    let largest = 0
    for (let session = 0; session < 500; session++) {
      let prompt = 0
      for (const { newTokens } of sessionOf(1, session, 0, 800_000).turns) {
        prompt += newTokens
        prompts += prompt
        added += newTokens
        smallest = Math.min(smallest, prompt)
        largest = Math.max(largest, prompt)
      }
    }
    expect(added / prompts).toBeGreaterThan(0.08)
    expect(added / prompts).toBeLessThan(0.12)
    expect([smallest > 5_000, largest > 700_000, largest <= 800_000]).toEqual([true, true, true])
  })

  it('has bodies that are the JSON of what they hold, turn by turn', () => {
    const session = sessionOf(1, 7, 0, 800_000)
    const prompt = new GrowingPrompt(session, 'a', 1_000)
    for (const { newTokens } of session.turns.slice(0, 4)) {
      prompt.add(newTokens, true)
      const { bytes, json } = prompt.body()
      expect(JSON.parse(Buffer.from(bytes).toString())).toEqual(json)
    }
    const text = JSON.stringify(prompt.body().json.messages).replace(/"data":"[^"]*"/g, '')
    expect(text.length / (prompt.tokens - 4 * 1_600)).toBeCloseTo(session.bytesPerToken, 0)
  })
})

it('knows the most that any minute had', () => {
  const window = new OwnWindow()
  for (const at of [0, 30_000, 59_999, 60_000, 90_000]) window.add(1, at)
  expect([window.most, window.used(90_000), window.used(150_001)]).toEqual([3, 3, 0])
})

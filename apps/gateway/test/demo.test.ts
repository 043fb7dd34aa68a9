import { describe, expect, test } from 'vitest'
import { spillway, until } from './spillway.ts'

// These tests start the built program: `pnpm build` comes first.

describe('the demo', { timeout: 120_000 }, () => {
  test('shows within two minutes how Claude fails, is left alone, is tested, and answers again', async () => {
    const { child, exit, stdout } = spillway(['start', '--demo', '--port', '0'])
    const answer = (who: string, why: string): RegExp =>
      new RegExp(`^\\d\\d:\\d\\d:\\d\\d {2}${who} +${why} `, 'm')
    const steps = [
      /-- Claude is down/,
      answer('local', '\\w+'),
      answer('claude', 'circuit open'),
      answer('local', 'circuit_open'),
      /-- Claude is back/,
      answer('claude', 'circuit half-open'),
      answer('claude', 'circuit closed'),
      answer('claude', 'ok'),
    ]
    let from = 0
    for (const step of steps) {
      await until(() => step.test(stdout().slice(from)), 100_000)
      from += step.exec(stdout().slice(from))?.index ?? 0
    }
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
  })
})

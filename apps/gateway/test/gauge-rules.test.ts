import { join } from 'node:path'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { gaugeRules } from '../src/workers/gauge-rules.ts'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

it('knows for each gauge of a gateway what it is of several workers', async () => {
  const claude = forThisTest(await startClaude())
  const gateway = await gatewayOf(
    configOf(
      targetAt(claude, 'anthropic', { rateLimit: { requestsPerMinute: 100 } }),
      targetAt(claude, 'anthropic'),
      {
        storage: { url: `sqlite:${join(temporaryFolder(), 'books.db')}` },
        mirror: [{ from: 'claude', to: 'local', sample: 1 }],
        budgets: { all: ['usd=100/day'] },
      },
    ),
  )
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  const text = await (await fetch(`${gateway.url}/metrics`)).text()
  const gauges = [...text.matchAll(/^# TYPE (spillway_\S+) gauge$/gm)].map(([, name]) => name as string)
  // Those that go up and down by themselves in each process are added up without a rule.
  const known = new Set([
    ...Object.keys(gaugeRules).map((name) => name.replaceAll('.', '_')),
    'spillway_calls_active',
  ])
  const without = gauges.filter((name) => ![...known].some((each) => name.startsWith(each)))
  expect(gauges.length).toBeGreaterThan(10)
  expect(without).toEqual([])
})

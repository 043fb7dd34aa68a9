import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, startClaude } from '@spillway/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { clientsOf, type TestClients } from './clients.ts'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const folder = join(import.meta.dirname, '../monitoring')

const hasPrometheus = ['promtool', 'prometheus'].every(
  (program) => spawnSync(program, ['--version']).error === undefined,
)
if (!hasPrometheus && !process.env.CI) {
  console.warn('skipped: promtool and prometheus are not installed (Debian: apt-get install prometheus)')
}
// Under CI a missing Prometheus is a failure.
const withPrometheus = describe.skipIf(!hasPrometheus && !process.env.CI)

/** Scraped from a gateway with one call of each kind behind it. */
async function busyGateway(clients?: TestClients): Promise<string> {
  const claude = forThisTest(await startClaude())
  const second = forThisTest(await startClaude())
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), targetAt(second, 'anthropic'), {
      rateLimit: { requestsPerMinute: 100 },
      mirror: [{ from: 'claude', to: 'local', sample: 1 }],
      ...(clients && { server: clients.server }),
      alerts: [{ to: 'slack', url: 'env:SPILLWAY_TEST_NO_ADDRESS' }],
    }),
  )
  claude.next({ type: 'status', status: 529 })
  const headers: Record<string, string> = clients === undefined ? {} : { 'x-api-key': clients.keys.web ?? '' }
  await send(`${gateway.url}/v1/messages`, { headers, body: messages({ stream: true }) })
  claude.next({ type: 'status', status: 400 })
  await send(`${gateway.url}/v1/messages`, { headers, body: messages() })
  return gateway.url
}

const names = /\b(?:spillway|gen_ai)_[a-z_]+(?=\s*[{[\])}>=<]|$)/gm

it('rules and dashboard ask for metrics and labels that there are', async () => {
  const { text } = await send(`${await busyGateway()}/metrics`, { method: 'GET' })
  const series = new Set([...text.matchAll(/^([a-z_]+)\{/gm)].map(([, name]) => name as string))
  const dashboard = JSON.parse(readFileSync(join(folder, 'grafana-dashboard.json'), 'utf8')) as {
    panels: { targets: { expr: string }[] }[]
  }
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  const rules = readFileSync(join(folder, 'alerts.yaml'), 'utf8')
  const asked = [...expressions, rules].flatMap((each) => [...each.matchAll(names)].map(([name]) => name))
  const labels = new Set([...text.matchAll(/([a-z_]+)="/g)].map(([, name]) => name as string))
  expect(asked.length).toBeGreaterThan(15)
  for (const name of asked) expect(series.has(name) || labels.has(name), name).toBe(true)
})

withPrometheus('Prometheus', () => {
  it('loads the rules, and their tests pass', () => {
    execFileSync('promtool', ['check', 'rules', 'alerts.yaml'], { cwd: folder })
    execFileSync('promtool', ['test', 'rules', 'alerts.test.yaml'], { cwd: folder })
  })

  it('finds nothing wrong with the metrics that it would mind', async () => {
    const { text } = await send(`${await busyGateway()}/metrics`, { method: 'GET' })
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    // 3 stands for its advice on names, which OpenTelemetry chooses.
    expect([0, 3], stderr).toContain(status)
  })

  it.each([
    ['a gateway', undefined],
    [
      'a gateway that asks for keys, with the key of a client for metrics',
      { metrics: { permissions: ['metrics'] } },
    ],
  ])(
    'scrapes %s',
    async (_, settings) => {
      const clients = settings && (await clientsOf({ ...settings, web: {} }))
      const gateway = new URL(await busyGateway(clients))
      const home = temporaryFolder()
      writeFileSync(
        join(home, 'prometheus.yml'),
        `global: { scrape_interval: 1s }
rule_files: [${join(folder, 'alerts.yaml')}]
scrape_configs:
  - job_name: spillway
    static_configs: [{ targets: ["${gateway.host}"] }]
${clients === undefined ? '' : '    authorization: { credentials_file: spillway.key }'}
`,
      )
      // As an editor leaves it, with a line break.
      writeFileSync(join(home, 'spillway.key'), `${clients?.keys.metrics}\n`, { mode: 0o600 })
      const address = `127.0.0.1:${await freePort()}`
      const prometheus = spawn(
        'prometheus',
        [
          `--config.file=${join(home, 'prometheus.yml')}`,
          `--storage.tsdb.path=${join(home, 'data')}`,
          `--web.listen-address=${address}`,
        ],
        { stdio: 'ignore' },
      )
      const ended = new Promise((resolve) => prometheus.once('exit', resolve))
      onTestFinished(async () => {
        prometheus.kill()
        await ended
      })
      await vi.waitFor(
        async () => {
          const query = encodeURIComponent('sum(spillway_calls_total)')
          const answer = await fetch(`http://${address}/api/v1/query?query=${query}`)
          const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } }
          expect(data.result[0]?.value[1]).toBe('2')
        },
        { timeout: 30_000, interval: 250 },
      )
    },
    45_000,
  )
})

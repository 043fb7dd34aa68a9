/**
 * Run as a child: `servers.ts claude | paced | proxy URL | gateway URL [CLIENTS]`. Answers `cpu` and `memory` messages, ends with its
 * parent.
 */
import { parseConfig, startGateway } from '@spillway/gateway'
import { startClaude } from '@spillway/testing'
import { startBareProxy } from './bare-proxy.ts'
import { startPacedClaude } from './streams/paced-claude.ts'

const [kind, upstream, clients] = process.argv.slice(2) as [string, string, string?]

process.on('message', (asked) => {
  if (asked === 'memory') {
    globalThis.gc?.()
    return void process.send?.({ memory: process.memoryUsage().rss })
  }
  const { user, system } = process.cpuUsage()
  process.send?.({ cpu: user + system })
})
process.on('disconnect', () => process.exit(0))

const starters: Readonly<Record<string, () => Promise<string>>> = {
  claude: async () => (await startClaude({ record: false, chunks: 200, separateWrites: true })).url,
  paced: startPacedClaude,
  proxy: () => startBareProxy(upstream),
  gateway: async () => {
    process.env.BENCHMARK_KEY = 'sk-benchmark'
    const { config } = parseConfig(
      `targets: { claude: { api: anthropic, endpoints: [{ url: "${upstream}", credential: "env:BENCHMARK_KEY" }] } }\n` +
        'routes: [{ models: "*", target: claude }]' +
        (clients === undefined
          ? ''
          : `\nserver: { auth: keys, clientsFile: "${clients}", fingerprintKey: "env:BENCHMARK_CLIENT_SECRET" }`),
      'benchmark',
    )
    return (await startGateway(config, { port: 0 })).url
  },
}

const start = starters[kind]
if (start === undefined) throw new Error(`unknown server ${kind}`)
process.send?.({ url: await start() })

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { tinyGguf } from '@spillway/local-model'
import { startClaude } from '@spillway/testing'
import { stringify } from 'yaml'
import { callLine } from '../cli/call-line.ts'
import { parseConfig } from '../config/load-config.ts'
import { type Gateway, startGateway } from '../gateway.ts'
import { sendPrompts } from './send-prompts.ts'
import { scriptTrouble } from './trouble.ts'

export interface DemoOptions {
  readonly port?: number
  readonly host?: string
  readonly quiet?: boolean
  /** Waits for a signal and drains. */
  readonly untilStopped: (gateway: Gateway) => Promise<number>
}

/** The simulated Claude's key; worth nothing anywhere. */
const demoKey = 'SPILLWAY_DEMO_KEY'

/**
 * A simulated Claude with scripted trouble, a real local model in this process, a gateway in front of both, and
 * somebody who asks every few seconds. Resolves with the exit code when a signal has come.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'spillway-demo-'))
  const claude = await startClaude({ chunkDelayMs: 20, record: false })
  const asking = new AbortController()
  try {
    const modelPath = join(directory, 'tiny-local-model.gguf')
    await writeFile(modelPath, tinyGguf())
    process.env[demoKey] ??= 'demo'
    const { config } = parseConfig(demoConfig(claude.url, modelPath), 'demo')
    const gateway = await listenSomewhere(options, (port) =>
      startGateway(config, {
        port,
        host: options.host,
        onAnswer: options.quiet ? undefined : (call) => console.log(callLine(call, new Date())),
      }),
    )
    console.log(banner(gateway.url))
    const prompts = sendPrompts(gateway.url, (call) => scriptTrouble(claude, call), asking.signal)
    const stopped = options.untilStopped({
      ...gateway,
      async close(drain) {
        asking.abort()
        await prompts
        await gateway.close(drain)
      },
    })
    console.log(`listening on ${gateway.url}`)
    return await stopped
  } finally {
    asking.abort()
    await claude.close()
    await rm(directory, { recursive: true, force: true })
  }
}

function demoConfig(claudeUrl: string, modelPath: string): string {
  return stringify({
    targets: {
      claude: {
        api: 'anthropic',
        endpoints: [{ url: claudeUrl, credential: `env:${demoKey}` }],
        timeouts: { firstContent: '1500ms', headers: '1500ms' },
      },
      local: { api: 'embedded', model: modelPath },
    },
    routes: [{ models: '*', target: 'claude', fallback: ['local'] }],
    timeouts: { total: '10s' },
  })
}

/** The usual port where it is free, any other where nobody insisted on one. */
async function listenSomewhere(
  options: DemoOptions,
  listen: (port: number | undefined) => Promise<Gateway>,
): Promise<Gateway> {
  try {
    return await listen(options.port)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || options.port !== undefined) throw error
    return listen(0)
  }
}

function banner(url: string): string {
  const bold = (text: string): string => styleText('bold', text)
  return `
${bold('Spillway demo')}: a simulated Claude that is often in trouble, and a real local model in this process.
Every few seconds somebody asks a question; each line below is one answer: who gave it, why, and how long the
caller waited for its first word. Claude has 1.5 s to begin.

Ask it yourself:
  curl -s ${url}/v1/messages -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' \\
    -d '{"model":"claude-sonnet-5-5","max_tokens":64,"messages":[{"role":"user","content":"Are you there?"}]}'
Or point Claude Code at it:
  ANTHROPIC_BASE_URL=${url} ANTHROPIC_AUTH_TOKEN=demo claude
Your own set-up: spillway start --config spillway.yaml. Stop with Ctrl-C.
`
}

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@spillway/testing'
import { claudeGateway } from './claude-rival.ts'
import { type Program, startProgram } from './processes.ts'

/** A gateway that runs. */
export interface RunningRival extends Pick<Program, 'cpu' | 'memory' | 'signal'> {
  readonly url: URL
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds from its start to its first answer. */
  readonly startedIn: number
  stop(): Promise<void>
}

/** What can be measured. */
export interface Rival {
  readonly name: string
  /** Why it cannot be measured here; undefined where it can. */
  missing(): string | undefined
  /**
   * @param upstreams where the simulated Claude is; the first may be dead
   * @param env variables beside its own
   */
  start(upstreams: readonly URL[], env?: Readonly<Record<string, string>>): Promise<RunningRival>
}

const ownNode = process.execPath
const repository = fileURLToPath(new URL('../../../../', import.meta.url))

/** A program with a configuration in a folder that goes with it. */
interface Recipe {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

function rival(
  name: string,
  missing: () => string | undefined,
  recipe: (upstreams: readonly URL[], port: number, folder: string) => Recipe,
): Rival {
  return {
    name,
    missing,
    async start(upstreams, more) {
      const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
      const port = await freePort()
      const { command, args, env, path = '/v1/messages', headers = {} } = recipe(upstreams, port, folder)
      const startedAt = performance.now()
      const program = startProgram(command, args, { ...env, ...more }, folder)
      try {
        await listening(port, program, name)
      } catch (error) {
        await program.stop()
        throw error
      }
      return {
        url: new URL(`http://127.0.0.1:${port}`),
        path,
        headers: { 'x-api-key': 'sk-benchmark', ...headers },
        startedIn: performance.now() - startedAt,
        cpu: program.cpu,
        memory: program.memory,
        signal: program.signal,
        async stop() {
          await program.stop()
          rmSync(folder, { recursive: true, force: true })
        },
      }
    },
  }
}

const endpointsOf = (upstreams: readonly URL[]): string =>
  upstreams.map(({ origin }) => `{ url: "${origin}", credential: "env:BENCHMARK_KEY" }`).join(', ')

/** All policies, limits that are kept and never reached, the audit log and metrics; the ledger where there is a database. */
function spillway(name: string, storage: (folder: string) => string, workers = 1): Rival {
  return rival(
    name,
    () => (existsSync(ownProgram) ? undefined : 'it is not built: pnpm build'),
    (upstreams, port, folder) => {
      const file = join(folder, 'spillway.yaml')
      writeFileSync(
        file,
        `server: { port: ${port}, workers: ${workers}, log: { level: error } }
targets:
  claude:
    api: anthropic
    endpoints: [${endpointsOf(upstreams)}]
    timeouts: { firstContent: 1s, headers: 1s }
    retry: { attempts: 3, baseDelay: 10ms, minDelay: 1ms }
    rateLimit: { requestsPerMinute: 100000000, inputTokensPerMinute: 100000000000, concurrency: 10000 }
routes: [{ models: "*", target: claude }]
tenants: { rateLimit: { requestsPerMinute: 100000000 } }
${storage(folder)}`,
      )
      return {
        command: ownNode,
        args: [ownProgram, 'start', '--config', file, '--quiet'],
        env: { BENCHMARK_KEY: 'sk-benchmark', XDG_STATE_HOME: folder },
      }
    },
  )
}

/** The gateway's command. */
export const ownProgram: string = join(repository, 'apps/gateway/bin/spillway.js')

const nginx = rival(
  'nginx',
  () => (hasCommand('nginx') ? undefined : 'nginx is not installed'),
  (upstreams, port, folder) => {
    mkdirSync(join(folder, 'temp'))
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((each) => `${each}_temp_path ${folder}/temp/${each};`)
      .join('\n  ')
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 8192; }
http {
  ${temp}
  access_log off; client_max_body_size 0; client_body_buffer_size 4m; keepalive_requests 1000000;
  upstream claude { ${upstreams.map(({ host }) => `server ${host} max_fails=1;`).join(' ')} keepalive 512; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { proxy_pass http://claude; proxy_http_version 1.1; proxy_set_header connection ""; proxy_buffering off; }
  }
}
`,
    )
    return { command: 'nginx', args: ['-p', folder, '-c', join(folder, 'nginx.conf')] }
  },
)

const bareProxy = rival(
  'bare Node proxy',
  () => undefined,
  ([upstream], port) => ({
    command: ownNode,
    args: [fileURLToPath(new URL('./bare-proxy.ts', import.meta.url)), String(upstream), String(port)],
  }),
)

/** Where `npm install @portkey-ai/gateway` was run; it is no dependency of ours. */
const portkeyFolder = process.env.BENCH_PORTKEY ?? join(repository, 'node_modules/.cache/bench/portkey')
const portkeyProgram = join(portkeyFolder, 'node_modules/@portkey-ai/gateway/build/start-server.js')

const portkey = rival(
  'Portkey',
  () =>
    existsSync(portkeyProgram) ? undefined : `run npm install --prefix ${portkeyFolder} @portkey-ai/gateway`,
  ([upstream], port) => ({
    command: ownNode,
    args: [portkeyProgram, '--headless', `--port=${port}`],
    env: { NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
    headers: {
      'x-portkey-provider': 'anthropic',
      'x-portkey-custom-host': `${upstream?.origin}/v1`,
      'x-portkey-config': '{"retry":{"attempts":2}}',
    },
  }),
)

/** It refuses to start without one. */
const litellmKey = `sk-${'0123456789abcdef'.repeat(4)}`

const litellmCommand = process.env.BENCH_LITELLM ?? 'litellm'

const litellm = rival(
  'LiteLLM',
  () => (hasCommand(litellmCommand) ? undefined : "run pip install 'litellm[proxy]'"),
  (upstreams, port, folder) => {
    const file = join(folder, 'litellm.yaml')
    const models = upstreams
      .map(
        ({ origin }) =>
          `  - { model_name: claude-sonnet-5-5, litellm_params: { model: anthropic/claude-sonnet-5-5, api_base: "${origin}", api_key: sk-benchmark } }`,
      )
      .join('\n')
    writeFileSync(file, `model_list:\n${models}\nrouter_settings: { num_retries: 2 }\n`)
    return {
      command: litellmCommand,
      args: ['--config', file, '--port', String(port), '--host', '127.0.0.1', '--num_workers', '1'],
      env: {
        ...{ LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_LOG: 'ERROR', LITELLM_MODE: 'PRODUCTION' },
        LITELLM_MASTER_KEY: litellmKey,
      },
      headers: { 'x-api-key': litellmKey },
    }
  },
)

export const rivals: Readonly<Record<string, Rival>> = {
  proxy: bareProxy,
  nginx,
  spillway: spillway('Spillway, SQLite', (folder) => `storage: { url: "sqlite:${folder}/ledger.db" }\n`),
  'spillway-memory': spillway('Spillway, no storage', () => ''),
  'spillway-workers': spillway(
    `Spillway, SQLite, ${availableParallelism()} workers`,
    (folder) => `storage: { url: "sqlite:${folder}/ledger.db" }\n`,
    availableParallelism(),
  ),
  portkey,
  claude: claudeGateway(false),
  'claude-limits': claudeGateway(true),
  litellm,
}

function hasCommand(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** @throws Error with the last lines of the program, when nothing listens in time */
export async function listening(port: number, program: Program, name: string): Promise<void> {
  for (const startedAt = performance.now(); performance.now() - startedAt < 90_000; ) {
    const answered = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.arrayBuffer().then(() => true),
      () => false,
    )
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${name} has not begun to listen:\n${program.said()}`)
}

import { ConfigError, formatProblem } from '../config/config-error.ts'
import { type LoadedConfig, loadConfig } from '../config/load-config.ts'
import { runDemo } from '../demo/run-demo.ts'
import { type Gateway, startGateway } from '../gateway.ts'
import { callLine } from './call-line.ts'
import { circuitLine } from './circuit-line.ts'
import { configFromEnvironment } from './config-from-environment.ts'
import { vaultLine } from './vault-line.ts'

export interface StartOptions {
  readonly config?: string
  readonly port?: number
  readonly host?: string
  readonly exposed?: boolean
  readonly demo?: boolean
  readonly quiet?: boolean
}

/** How long calls in flight may go on after SIGTERM, in milliseconds. */
const drainTime = 30_000

/** Serves until SIGTERM or SIGINT; resolves with the exit code. */
export async function start(options: StartOptions): Promise<number> {
  try {
    const loaded = options.demo ? undefined : await findConfig(options)
    if (loaded === undefined) return await runDemo({ ...options, untilStopped })
    const { config, warnings } = loaded
    for (const warning of warnings)
      console.error(`warning: ${formatProblem(options.config ?? 'environment', warning)}`)
    const gateway = await startGateway(config, {
      port: options.port,
      host: options.host,
      exposed: options.exposed,
      onVaultEvent: (event) => console.error(vaultLine(event)),
      onAnswer: options.quiet ? undefined : (call) => console.log(callLine(call, new Date())),
      onCircuitChange: options.quiet ? undefined : (changed) => console.log(circuitLine(changed, new Date())),
    })
    // Whoever reads the line may send a signal at once.
    const stopped = untilStopped(gateway)
    console.log(`listening on ${gateway.url}`)
    return await stopped
  } catch (error) {
    console.error(explainStartFailure(error, options))
    return 1
  }
}

async function findConfig({ config, host, exposed }: StartOptions): Promise<LoadedConfig | undefined> {
  return config === undefined ? configFromEnvironment(process.env) : loadConfig(config, { host, exposed })
}

/** Waits for a signal, drains, and resolves with the exit code. A second signal does not wait for the drain. */
export async function untilStopped(gateway: Gateway): Promise<number> {
  const signals = ['SIGTERM', 'SIGINT'] as const
  let onSignal: () => void = () => {}
  const nextSignal = (): Promise<void> =>
    new Promise((resolve) => {
      onSignal = resolve
    })
  const listener = (): void => onSignal()
  for (const signal of signals) process.on(signal, listener)
  await nextSignal()
  console.error('draining; once more to stop at once')
  await Promise.race([gateway.close(drainTime), nextSignal().then(() => gateway.close(0))])
  for (const signal of signals) process.off(signal, listener)
  return 0
}

function explainStartFailure(error: unknown, options: StartOptions): string {
  if (error instanceof ConfigError) return error.message
  const { code, message } = error as NodeJS.ErrnoException & { port?: number }
  const port = (error as { port?: number }).port ?? options.port
  if (code === 'EADDRINUSE')
    return `port ${port} is in use; choose another with --port, or --port 0 for a free one`
  if (code === 'EACCES')
    return `port ${port} needs more rights than this user has; choose one above 1023 with --port`
  return `the gateway could not start: ${message ?? String(error)}`
}

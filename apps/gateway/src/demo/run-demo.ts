import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { tinyGguf } from '@spillway/local-model'
import { startClaude } from '@spillway/testing'
import { callTeller } from '../cli/call-line.ts'
import { circuitLine } from '../cli/circuit-line.ts'
import { clientLines, showClientLines } from '../cli/client-lines.ts'
import { type Gateway, startGateway } from '../gateway.ts'
import type { Lines } from '../log/lines.ts'
import { demoConfig, demoKey } from './demo-config.ts'
import { playScenario, type Scene } from './scenario.ts'
import { sendPrompts } from './send-prompts.ts'

export interface DemoOptions {
  readonly port?: number
  readonly host?: string
  readonly exposed?: boolean
  readonly quiet?: boolean
  readonly lines: Lines
  /** Waits for a signal and drains. */
  readonly untilStopped: (gateway: Gateway) => Promise<number>
}

/**
 * A simulated Claude with scripted trouble, a real local model in this process, a gateway in front of both, and
 * a client that asks every few seconds. Resolves with the exit code when a signal has come.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const say = (line: string): void => {
    if (!options.quiet) options.lines.out(line)
  }
  const directory = await mkdtemp(join(tmpdir(), 'spillway-demo-'))
  const scenario = playScenario(() => performance.now())
  const claude = await startClaude({ chunkDelayMs: 20, record: false, fault: () => scenario.fault() })
  const asking = new AbortController()
  try {
    const modelPath = join(directory, 'tiny-local-model.gguf')
    await writeFile(modelPath, tinyGguf())
    process.env[demoKey] ??= 'demo'
    const config = demoConfig(claude.url, modelPath)
    const gateway = await listenSomewhere(options, (port) =>
      startGateway(config, {
        port,
        host: options.host,
        exposed: options.exposed,
        stateFolder: null,
        onAnswer: callTeller(say),
        onCircuitChange: (changed) => say(circuitLine(changed, new Date())),
        log: options.lines.err,
        droppedLines: options.lines.dropped,
      }),
    )
    say(banner(showClientLines(clientLines(config, gateway.url))))
    let announced: Scene | undefined
    const announce = (): void => {
      const scene = scenario.scene()
      if (scene !== announced) say(sceneLine(scene, new Date()))
      announced = scene
    }
    const prompts = sendPrompts(gateway.url, announce, asking.signal)
    const stopped = options.untilStopped({
      ...gateway,
      async close(drain) {
        asking.abort()
        await prompts
        await gateway.close(drain)
      },
    })
    options.lines.out(`listening on ${gateway.url}`)
    return await stopped
  } finally {
    asking.abort()
    await claude.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** The usual port where it is free, any other unless one was asked for. */
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

function sceneLine({ text }: Scene, at: Date): string {
  return styleText('dim', `${at.toTimeString().slice(0, 8)}  -- ${text}`)
}

function banner(clients: string): string {
  const bold = (text: string): string => styleText('bold', text)
  return `
${bold('Spillway demo')}: a simulated Claude that is often in trouble, and a real local model in this process.
A client asks a question every few seconds. Each line below is one answer: who gave it, why not Claude, and how long
the client waited for its first word. Claude has 1.5 s to begin. Once through its troubles takes a minute.

Look at it, and ask it yourself:

${clients}

Your own set-up: spillway init, then spillway start. Stop with Ctrl-C.
`
}

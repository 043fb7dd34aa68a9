import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../bin/spillway.js', import.meta.url))
const env = { ...process.env, ANTHROPIC_API_KEY: 'not-used' }

/** The configuration that most begin with. */
export function writeUsualConfig(folder: string): void {
  const { status, stderr } = spawnSync(process.execPath, [program, 'init', '--yes'], { cwd: folder, env })
  if (status !== 0) throw new Error(`init failed: ${stderr}`)
}

/** Starts the gateway in a folder; how long it took until its port answered, in milliseconds. */
export async function startedIn(
  folder: string,
  flags: readonly string[] = [],
): Promise<{ ms: number; child: ChildProcess }> {
  const from = performance.now()
  const child = spawn(process.execPath, [...flags, program, 'start', '--port', '0'], { cwd: folder, env })
  child.stderr.resume()
  const url = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      const found = /listening on (http:\S+)/.exec(text)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.on('exit', (code) => reject(new Error(`the gateway has ended with ${code}`)))
  })
  await fetch(`${url}/healthz`)
  return { ms: performance.now() - from, child }
}

/** What a process holds in memory; undefined where the system does not say it in the way of Linux. */
export function residentBytes({ pid }: ChildProcess): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
  } catch {
    return undefined
  }
}

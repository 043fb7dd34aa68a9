import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Runs a command to its end, and resolves with what it printed.
 * @throws Error with all that it has said when it does not end with 0
 */
export async function runCommand(
  program: string,
  parameters: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'env'>,
): Promise<string> {
  const child = spawn(program, parameters, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, all] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    out += piece
    all += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    all += piece
  })
  const [status] = await once(child, 'close')
  if (status !== 0)
    throw new Error(`${program} ${parameters.join(' ')} ended with ${status}:\n${all.slice(-5_000)}`)
  return out
}

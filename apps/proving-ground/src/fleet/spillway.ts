import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** The built command line. */
export const program: string = fileURLToPath(new URL('../../../gateway/bin/spillway.js', import.meta.url))

/**
 * Runs a command of `spillway`; resolves with what it prints, without the end of the line.
 * @throws Error when it fails
 */
export async function spillway(
  args: readonly string[],
  {
    env,
    cwd,
    input = '',
  }: { readonly env: NodeJS.ProcessEnv; readonly cwd: string; readonly input?: string },
): Promise<string> {
  const child = spawn(process.execPath, [program, ...args], { env: { ...env, NO_COLOR: '1' }, cwd })
  child.stdin.on('error', () => {}).end(input)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (code !== 0) throw new Error(`spillway ${args.slice(0, 2).join(' ')} ended with ${code}: ${err.trim()}`)
  return out.trim()
}

import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export interface ExampleRun {
  /** Where calls to vendors go instead. */
  readonly places?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/**
 * Runs an example as its reader would, with the vendors' addresses replaced by those of simulated ones, and resolves with what it prints.
 * @throws Error when it ends with another code than 0
 */
export async function outputOf(file: string, { places = {}, cwd }: ExampleRun = {}): Promise<string> {
  const redirect = `data:text/javascript,${encodeURIComponent(`
    const places = ${JSON.stringify(places)}
    const moved = (url) => Object.entries(places).reduce((to, [from, place]) => to.replace(from, place), String(url))
    const { fetch: original, URL: Original } = globalThis
    globalThis.fetch = (input, init) =>
      input instanceof Request ? original(new Request(moved(input.url), input), init) : original(moved(input), init)
    globalThis.URL = class extends Original { constructor(url, base) { super(moved(url), base) } }
  `)}`
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn(
    process.execPath,
    [
      '--conditions=@spillway/source',
      '--import',
      redirect,
      fileURLToPath(new URL(`../src/${file}`, import.meta.url)),
    ],
    {
      cwd,
      env: {
        ...{ PATH, NODE_COMPILE_CACHE, NO_COLOR: '1' },
        ...{ ANTHROPIC_API_KEY: 'sk-test', OPENROUTER_API_KEY: 'sk-or-test', OPENAI_API_KEY: 'sk-o-test' },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  const code = await ended
  if (code !== 0) throw new Error(`${file} ended with ${code}:\n${output}${errors}`)
  // Ports are free ones.
  return output.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
}

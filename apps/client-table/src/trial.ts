import { timeouts } from '@spillway/attempt'
import type { Middleware } from '@spillway/middleware'
import { retry } from '@spillway/retry'
import { text } from './answers.ts'
import type { Client } from './client.ts'
import { startUpstream, type Trouble } from './upstream.ts'

/** What became of a call: the whole answer, a part of it without any word, an error, or nothing. */
export type Result = 'answered' | 'half' | 'error' | 'waits'

/** How long a client without policies is waited for, in milliseconds, once the upstream has its call. */
const patience = 600
/** For the others, on machines with much to do. */
const longest = 15_000
/** Without first content, between two chunks, and, twice that, for a whole attempt: a whole answer shows nothing before its end. */
const limit = 500

/** What the README of each package advises. Attempts come without pauses, for the tests' sake. */
const policies = (): readonly Middleware[] => [
  retry({ attempts: 4, baseDelay: 1, budget: false }),
  timeouts({ firstContent: limit, idle: limit, attempt: 2 * limit }),
]

/** One call of a client to an upstream in trouble. */
export async function tryClient(
  client: Client,
  trouble: Trouble,
  { stream, covered }: { readonly stream: boolean; readonly covered: boolean },
): Promise<Result> {
  const upstream = await startUpstream(trouble)
  const controller = new AbortController()
  const { url } = upstream
  const call = { url, stream, policies: covered ? policies() : undefined, signal: controller.signal }
  const isLeftAlone = !covered && trouble === 'stalls before content'
  let timer: ReturnType<typeof setTimeout> | undefined
  const waited = new Promise<undefined>((resolve) => {
    const wait = (ms: number): void => {
      clearTimeout(timer)
      timer = setTimeout(() => resolve(undefined), ms)
    }
    wait(longest)
    if (isLeftAlone) void upstream.asked.then(() => wait(patience))
  })
  try {
    const said = await Promise.race([client.ask(call), waited])
    if (said === undefined) return 'waits'
    return said === text ? 'answered' : 'half'
  } catch {
    return 'error'
  } finally {
    clearTimeout(timer)
    controller.abort()
    upstream.close()
  }
}

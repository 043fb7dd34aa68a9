import type { Permission } from '../../../gateway/src/clients/permissions.ts'
import { type Action, markers, type Presented } from './actions.ts'
import type { Got } from './run.ts'
import { admits, type KnownClient, type World } from './world.ts'

export interface JudgedCase {
  readonly index: number
  readonly action: Action
  readonly presented: Presented
  readonly got: Got
  readonly client: KnownClient
  /** What it had when the request was sent. */
  readonly permissions: ReadonlySet<Permission>
  readonly startedAt: number
  readonly endedAt: number
  /** Whether its permissions have not changed for a while. */
  readonly isSettled: boolean
  /** Whether the key is the client's; else it may only be refused. */
  readonly isOwn: boolean
  readonly world: World
  readonly hasReached: () => boolean
}

const anyKey = /sw-[0-9A-Za-z]{42}/

/** What is wrong with an answer, and whether it could not be told which one is right. */
export function judgeCase(judged: JudgedCase): {
  readonly problems: readonly string[]
  readonly isOpen: boolean
} {
  const { action, presented, got, startedAt, endedAt, isSettled, permissions, hasReached } = judged
  const problems = leaks(judged)
  const admitted = presented.key === undefined ? false : admits(presented.key, startedAt, endedAt)
  const refuse = (statuses: readonly number[], why: string): void => {
    if (!statuses.includes(got.status))
      problems.push(`${why}: ${action.kind} got ${got.status} instead of ${statuses.join(' or ')}`)
    if (hasReached()) problems.push(`${why}: ${action.kind} has reached a model`)
  }
  if (admitted === false) {
    refuse(
      [401],
      presented.key === undefined ? `a key that is none (${presented.kind})` : 'a key that has ended',
    )
    return { problems, isOpen: false }
  }
  if (admitted === undefined && got.status === 401) return { problems, isOpen: true }
  if (!judged.isOwn) return { problems, isOpen: true }
  const mayNot = action.needs.find((each) => !permissions.has(each))
  if (!isSettled) return { problems, isOpen: true }
  if (mayNot !== undefined || action.isStrange || action.isBeyond) {
    const statuses = [
      ...(mayNot !== undefined || action.isBeyond ? [403] : []),
      ...(action.isStrange ? [404, 400] : []),
    ]
    refuse(
      statuses,
      mayNot !== undefined ? `without ${mayNot}` : action.isStrange ? 'not its own' : 'beyond a limit',
    )
    return { problems, isOpen: false }
  }
  problems.push(...mayButDidNot(judged))
  return { problems, isOpen: false }
}

/** Upstreams may refuse what a client may ask; the gateway must not. */
function mayButDidNot({ action, got, client, world }: JudgedCase): readonly string[] {
  const { status, headers, text } = got
  const isSent = action.isCall || action.kind === 'count_tokens'
  if (status === 429 && client.settings.limits !== undefined && isSent) return []
  if (action.names !== undefined && world.deleted.has(action.names)) return []
  const isRouted = Number(headers.get('x-spillway-attempts') ?? 0) > 0
  if (isSent) return isRouted ? [] : [`it may: ${action.kind} got ${status} of the gateway`]
  if (status >= 401) return [`it may: ${action.kind} got ${status}`]
  if (action.lists === undefined || status !== 200) return []
  const { data } = JSON.parse(text) as { data: { id: string }[] }
  const strange = data.filter(({ id }) => world.ownerOf.has(id) && world.ownerOf.get(id) !== client)
  return strange.length > 0 ? [`a list has ${action.lists}s of other clients`] : []
}

function leaks({ got, client, isOwn }: JudgedCase): string[] {
  const problems: string[] = []
  const said = `${[...got.headers].flat().join('\n')}\n${got.text}`
  if (anyKey.test(said)) problems.push('an answer has a key of a client')
  if (said.includes('qZ7own')) problems.push('an answer has the key of the gateway')
  if (!isOwn) return problems
  for (const [, name] of said.matchAll(markers))
    if (name !== client.name) {
      problems.push('an answer has words of another client')
      break
    }
  return problems
}

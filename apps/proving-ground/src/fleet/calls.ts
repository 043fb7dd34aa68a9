import type { SeenCall } from './call.ts'
import { budgets } from './config.ts'
import { type Figure, none, told } from './figure.ts'
import type { Load } from './load.ts'
import type { Kill, Scene } from './trouble.ts'

/** How soon all gateways have to refuse a client that is revoked, in milliseconds. */
const revokedWithin = 1_000

/** Whether a call was on a connection of a process that was killed. */
export function wasKilled(call: SeenCall, kills: readonly Kill[]): boolean {
  return kills.some(({ gateway, ports, at, goneAt }) => {
    const { connectedAt = Infinity, port = 0 } = call
    if (call.gateway !== gateway || connectedAt > goneAt || call.endedAt < at) return false
    // What has been connected after the look may have gone to any of the processes.
    return ports === undefined || ports.has(port) || connectedAt >= at
  })
}

/** Clients that are to be refused when what they may use is used. */
const limited: ReadonlySet<string> = new Set(['whole', ...budgets.flatMap(({ clients }) => clients)])

/** Whether a call has not got what it should have: an answer, or a refusal where there is a limit. */
export function isWrong(call: SeenCall, { kills, revokedAt }: Scene): boolean {
  if (call.outcome === 'answered') return false
  if (call.outcome === 'lost') return !wasKilled(call, kills)
  const isLimited = call.target === 'requests' || call.target === 'tokens' || limited.has(call.client)
  const isRevoked = call.client === 'revoked' && revokedAt !== undefined
  return !(call.status === 429 && isLimited) && !(call.status === 401 && isRevoked)
}

/** What became of all calls, by their clients. */
export function callFigures({ seen, sent, notConnected }: Load, scene: Scene): Figure[] {
  const { kills, revokedAt, world } = scene
  const wrong = seen.filter((call) => isWrong(call, scene))
  const inKilled = seen.filter((call) => wasKilled(call, kills))
  const lost = inKilled.filter(({ outcome }) => outcome === 'lost')
  const known = new Set(seen.map(({ call }) => call)).size
  return [
    {
      what: 'calls with one outcome each',
      wanted: String(sent),
      seen: `${known}, and ${seen.length} outcomes`,
      holds: known === sent && seen.length === sent,
    },
    none('calls lost or refused, but for those in a process that was killed', wrong.map(describe), sent),
    told(
      'calls lost in processes that were killed',
      `${lost.length} of ${inKilled.length} on their connections`,
    ),
    told('connections refused, after which the next gateway was asked', String(notConnected)),
    none(
      'requests with a key that the vendor does not know any more',
      Array.from({ length: world.vendor.refusedKeys }, () => ''),
    ),
    ...(revokedAt === undefined ? [] : [revoked(seen, revokedAt)]),
  ]
}

function revoked(seen: readonly SeenCall[], revokedAt: number): Figure {
  const after = seen.filter(({ client, sentAt }) => client === 'revoked' && sentAt > revokedAt)
  const answered = after.filter(({ outcome }) => outcome === 'answered')
  const last = Math.max(0, ...answered.map(({ sentAt }) => sentAt - revokedAt))
  return {
    what: 'a revoked client was last admitted, after the command had ended',
    wanted: `at most ${revokedWithin} ms`,
    seen: `${last.toFixed(0)} ms, and ${after.length - answered.length} calls refused`,
    holds: last <= revokedWithin && after.length > answered.length,
  }
}

export const describe = ({ call, target, gateway, problem = 'answered' }: SeenCall): string =>
  `call ${call} (${target}, ${gateway}): ${problem}`

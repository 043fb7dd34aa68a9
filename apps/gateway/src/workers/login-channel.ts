import type { Clock } from '@spillway/middleware'
import type { LoginSharing } from '../operators/login.ts'
import type { SharedSession } from '../operators/sessions.ts'
import { type Channel, type Note, note, type Question, question } from './channel.ts'

/** From a worker to the primary, and from there to all others. */
const open: Question<SharedSession, void> = question('logins.open')
const used: Note<readonly [digest: string, at: number]> = note('logins.used')
const ended: Note<string> = note('logins.ended')
const failed: Note<string> = note('logins.failed')
const succeeded: Note<string> = note('logins.succeeded')
/** To the primary. */
const allSessions: Question<undefined, readonly SharedSession[]> = question('logins.sessions')
const claim: Question<readonly [code: string, ms: number], boolean> = question('logins.claim')

/** Sessions that are kept at most, as each worker does; the oldest is forgotten. */
const mostSessions = 1_000

/** Codes that are remembered as used at most; beyond that none is taken. */
const mostClaimed = 10_000

/** How long a worker may take to hear of a session, in milliseconds: a login waits for that. */
const hearsWithin = 500

/** What lets operators log in to one worker and be known to all. */
export interface LoginHost {
  serve(channel: Channel): void
}

export function loginHost(clock: Pick<Clock, 'epoch'>): LoginHost {
  const channels = new Set<Channel>()
  const sessions = new Map<string, SharedSession>()
  const claimed = new Map<string, number>()

  const others = (channel: Channel): Channel[] => [...channels].filter((each) => each !== channel)
  const keep = (session: SharedSession): void => {
    sessions.delete(session.digest)
    sessions.set(session.digest, session)
    const [oldest] = sessions.keys()
    if (sessions.size > mostSessions && oldest !== undefined) sessions.delete(oldest)
  }

  return {
    serve(channel) {
      channels.add(channel)
      channel.onClose(() => channels.delete(channel))
      channel.answer(allSessions, () => {
        const now = clock.epoch()
        for (const [digest, { endsAt }] of sessions) if (endsAt <= now) sessions.delete(digest)
        return [...sessions.values()]
      })
      channel.answer(open, async (session) => {
        keep(session)
        const heard = others(channel).map((other) => other.ask(open, session, { deadline: hearsWithin }))
        await Promise.allSettled(heard)
      })
      channel.answer(claim, ([code, ms]) => {
        const now = clock.epoch()
        for (const [old, until] of claimed) if (until <= now) claimed.delete(old)
        if (claimed.has(code) || claimed.size >= mostClaimed) return false
        claimed.set(code, now + ms)
        return true
      })
      channel.hear(used, ([digest, at]) => {
        const session = sessions.get(digest)
        if (session !== undefined) sessions.set(digest, { ...session, usedAt: at })
      })
      channel.hear(ended, (digest) => void sessions.delete(digest))
      for (const told of [used, ended, failed, succeeded] as Note<unknown>[])
        channel.hear(told, (what) => {
          for (const other of others(channel)) other.tell(told, what)
        })
    },
  }
}

/** How long the sessions that there are may take, in milliseconds, before a worker begins without them. */
const readsWithin = 2_000

/** Logins as a worker shares them; with those that there are already. */
export async function remoteLogins(channel: Channel): Promise<LoginSharing> {
  const known = await channel
    .ask(allSessions, undefined, { deadline: readsWithin })
    .catch((): readonly SharedSession[] => [])
  return {
    sessions: {
      opened: (session) => channel.ask(open, session).catch(() => {}),
      used: (digest, at) => void channel.tell(used, [digest, at]),
      ended: (digest) => void channel.tell(ended, digest),
      follow(heard) {
        for (const session of known) heard.opened(session)
        channel.answer(open, heard.opened)
        channel.hear(used, ([digest, at]) => heard.used(digest, at))
        channel.hear(ended, heard.ended)
      },
    },
    // A primary that does not answer takes no code: it would be taken twice.
    claim: (code, ms) => channel.ask(claim, [code, ms]).catch(() => false),
    failed: (address) => void channel.tell(failed, address),
    succeeded: (address) => void channel.tell(succeeded, address),
    follow(heard) {
      channel.hear(failed, heard.failed)
      channel.hear(succeeded, heard.succeeded)
    },
  }
}

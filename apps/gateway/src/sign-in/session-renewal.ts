import { hash } from 'node:crypto'
import { RecentMap } from '@spillway/middleware/kit'
import { type Claims, subjectOf } from '../identity/claims.ts'
import { type Answer, away, failed } from './json-answer.ts'
import { LoginRefused } from './provider-login.ts'
import type { PersonSession } from './session-tokens.ts'
import type { SignInOptions } from './sign-in-options.ts'

/** How long a session may go on that the identity provider gives no refresh token for, in milliseconds. */
const uncheckedFor = 12 * 3_600_000

/** When people sign in again where nothing else is set, in milliseconds. */
const usualSignInAfter = 30 * 86_400_000

/** Two programs of one person may renew the same session at a time: the second one gets what the first one got, in milliseconds. */
const sameAnswerFor = 30_000

/** Sessions of programs: what they get when a person has signed in, and again before it ends. */
export interface SessionRenewal {
  /** The tokens of a session. */
  issued(session: PersonSession): Promise<Answer>
  /** New tokens for an old one, after the identity provider was asked whether the person may still have them. */
  renew(refreshToken: string): Promise<Answer>
}

export function openSessionRenewal(options: SignInOptions): SessionRenewal {
  const { config, login, tokens, clock, grants, isSignedOut, note, log } = options
  const { tokenFor = 3_600_000, signInAfter = usualSignInAfter } = config.sessions ?? {}
  const renewals = new RecentMap<{ readonly at: number; readonly answer: Promise<Answer> }>(1_000)

  const issued = async (session: PersonSession): Promise<Answer> => ({
    status: 200,
    body: {
      access_token: await tokens.sign(session),
      refresh_token: await tokens.seal('refresh', session, signInAfter),
      token_type: 'Bearer',
      expires_in: Math.floor(tokenFor / 1000),
      email: session.email,
    },
  })

  const renew = async (refreshToken: string): Promise<Answer> => {
    const ended = (why: string): Answer => failed(401, 'invalid_grant', `${why}: sign in again`)
    const session = (await tokens.open('refresh', refreshToken)) as unknown as PersonSession | undefined
    if (session === undefined) return ended('this session has ended')
    const { since, sub, subject } = session
    if (isSignedOut(subject.name, since, session.id)) return ended('this session was signed out')
    const age = clock.epoch() - since
    if (age >= signInAfter || (session.refreshToken === undefined && age >= uncheckedFor))
      return ended('this session has lasted its time')
    let next = session
    try {
      if (session.refreshToken !== undefined) {
        const told = await login.renew(session.refreshToken, sub)
        next = { ...session, refreshToken: told.refreshToken }
        if (told.claims !== undefined) {
          const now = subjectOf(told.claims, config)
          if ('problem' in now) return ended(now.problem)
          // Some identity providers tell groups with the first answer alone.
          const groups = now.groups.length > 0 || hasGroups(told.claims) ? now.groups : subject.groups
          next = { ...next, subject: { name: now.name, team: now.team, groups } }
        }
      }
    } catch (error) {
      if (error instanceof LoginRefused) {
        note(subject.name, 'sign-in.ended', {
          subject: 'claude-code',
          session: session.id,
          why: error.message,
        })
        return ended(error.message)
      }
      log(`a session could not be renewed: ${(error as Error).message}`)
      return away
    }
    const allowed = grants({ ...next.subject, lacksGroups: false })
    return 'problem' in allowed ? ended(allowed.problem) : issued(next)
  }
  const hasGroups = (claims: Claims): boolean =>
    [config.claims?.groups ?? 'groups'].flat().some((claim) => Object.hasOwn(claims, claim))

  const renewOnce = (refreshToken: string): Promise<Answer> => {
    const digest = hash('sha256', refreshToken, 'base64url')
    const recent = renewals.get(digest)
    if (recent !== undefined && clock.now() - recent.at < sameAnswerFor) return recent.answer
    const answer = renew(refreshToken)
    renewals.set(digest, { at: clock.now(), answer })
    // What may be better next time is asked again.
    const forget = (): void => renewals.delete(digest)
    answer.then(({ status }) => status !== 200 && forget(), forget)
    return answer
  }

  return { issued, renew: renewOnce }
}

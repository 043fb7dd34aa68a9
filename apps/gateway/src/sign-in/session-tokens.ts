import type { Clock } from '@spillway/middleware'
import type { ClientHash } from '../clients/client-hash.ts'
import type { ClaimProblem, Claims, Subject } from '../identity/claims.ts'
import type { SignedIn } from '../identity/grants.ts'
import type { Verified } from '../identity/token-directory.ts'
import { expired, invalid, type TokenProblem } from '../identity/verify-token.ts'

/** A person who has signed in with Claude Code. */
export interface PersonSession {
  /** Of this one sign-in. */
  readonly id: string
  /** When it began, in milliseconds since the Unix epoch. */
  readonly since: number
  /** As the identity provider names the person. */
  readonly sub: string
  readonly email: string
  readonly subject: Pick<Subject, 'name' | 'team' | 'groups'>
  /** Of the identity provider, where it gives one. */
  readonly refreshToken?: string | undefined
}

/** Signs and reads what people who have signed in present. */
export interface SessionTokens {
  sign(session: PersonSession): Promise<string>
  /** The client of a session token; undefined for a token that is none of this gateway's. */
  verify(token: string): Promise<Verified | TokenProblem> | undefined
  /** Encrypts what only this installation may read. */
  seal(kind: string, content: object, ms: number): Promise<string>
  /** Undefined for what was not sealed here as this kind, and for what has ended. */
  open(kind: string, text: string): Promise<Claims | undefined>
}

export interface SessionTokenOptions {
  readonly hash: Pick<ClientHash, 'secretFor'>
  readonly clock: Clock
  /** How long a session token is valid, in milliseconds. */
  readonly tokenFor: number
  /** What the person may do now. */
  readonly admit: (subject: PersonSession['subject']) => SignedIn | ClaimProblem
}

/** What Claude Code expects its tokens to be made for. */
const audience = 'claude-gateway'

/** What tells session tokens from tokens of the identity provider, before anything is verified. */
const header = { alg: 'HS256', typ: 'JWT', kid: 'spillway-session' } as const
const start = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.`

/** The keys are made from the secret of the installation, so that gateways with the same one take each other's tokens. */
export async function sessionTokens(options: SessionTokenOptions): Promise<SessionTokens> {
  const { hash, clock, tokenFor, admit } = options
  const { SignJWT, jwtVerify, EncryptJWT, jwtDecrypt, errors } = await import('jose')
  const signing = hash.secretFor('session tokens')
  const sealing = hash.secretFor('sealed sessions')

  const verified = async (token: string): Promise<Verified | TokenProblem> => {
    try {
      const { payload } = await jwtVerify(token, signing, {
        ...{ algorithms: ['HS256'], audience, requiredClaims: ['exp', 'sub', 'sid', 'since', 'name'] },
        currentDate: new Date(clock.epoch()),
      })
      const {
        name,
        team,
        groups,
        since,
        sid,
        exp = 0,
      } = payload as Record<string, unknown> & { exp?: number }
      const signedIn = admit({
        name: String(name),
        team: typeof team === 'string' ? team : undefined,
        groups: Array.isArray(groups) ? groups.map(String) : [],
      })
      if ('problem' in signedIn) return { message: signedIn.problem, status: 403, reason: 'not_allowed' }
      return { ...signedIn, until: exp * 1000, issuedAt: Number(since), session: String(sid) }
    } catch (error) {
      return error instanceof errors.JWTExpired
        ? expired
        : invalid('this session token is not of this gateway')
    }
  }
  return {
    sign({ id, since, sub, email, subject }) {
      const now = clock.epoch()
      return new SignJWT({ jti: crypto.randomUUID(), sid: id, since, email, ...subject })
        .setProtectedHeader(header)
        .setSubject(sub)
        .setAudience(audience)
        .setIssuedAt(Math.floor(now / 1000))
        .setExpirationTime(Math.floor((now + tokenFor) / 1000))
        .sign(signing)
    },
    verify: (token) => (token.startsWith(start) ? verified(token) : undefined),
    seal: (kind, content, ms) =>
      new EncryptJWT({ ...content, kind })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setExpirationTime(Math.floor((clock.epoch() + ms) / 1000))
        .encrypt(sealing),
    async open(kind, text) {
      try {
        const { payload } = await jwtDecrypt(text, sealing, {
          ...{ keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
          currentDate: new Date(clock.epoch()),
        })
        return payload.kind === kind ? payload : undefined
      } catch {
        return undefined
      }
    },
  }
}

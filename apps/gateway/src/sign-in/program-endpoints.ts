import type { IncomingMessage } from 'node:http'
import { clientAddress } from '../server/gateway-request.ts'
import { codesFor, pollEvery } from './device-codes.ts'
import { readForm } from './form-body.ts'
import { type Answer, failed } from './json-answer.ts'
import { openSessionRenewal } from './session-renewal.ts'
import type { PersonSession } from './session-tokens.ts'
import type { SignInOptions } from './sign-in-options.ts'
import { signInPaths as paths } from './sign-in-paths.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** What programs such as Claude Code sign in by: the device grant (RFC 8628), refresh tokens and revocation (RFC 7009). */
export interface ProgramEndpoints {
  /** Where the endpoints are, as RFC 8414 has it. */
  discovery(req: IncomingMessage): object
  /** Those that take a form, by their paths. */
  readonly forms: Readonly<Record<string, (req: IncomingMessage) => Promise<Answer>>>
}

export function openProgramEndpoints(options: SignInOptions): ProgramEndpoints {
  const { config, tokens, codes, clock, url, isSignedOut, note } = options
  const { issued, renew } = openSessionRenewal(options)
  const base = (): string => url().replace(/\/$/, '')

  /** Where a program that asks has found this gateway: its endpoints have to be of the same origin. */
  const originFor = ({ headers }: IncomingMessage): string =>
    config.publicUrl === undefined && headers.host !== undefined ? `http://${headers.host}` : base()

  const discovery = (req: IncomingMessage): object => {
    const origin = originFor(req)
    return {
      issuer: origin,
      device_authorization_endpoint: `${origin}${paths.deviceAuthorization}`,
      token_endpoint: `${origin}${paths.token}`,
      revocation_endpoint: `${origin}${paths.revocation}`,
      grant_types_supported: [deviceGrant, 'refresh_token'],
      response_types_supported: [],
      token_endpoint_auth_methods_supported: ['none'],
      gateway_protocol_version: 1,
    }
  }

  const askForCode = async (req: IncomingMessage): Promise<Answer> => {
    await readForm(req, clock)
    const program = String(req.headers['user-agent'] ?? 'a program that tells no name')
    const asked = await codes.ask(
      clientAddress(req) ?? '',
      program.replace(/[^\x20-\x7e]/g, '?').slice(0, 80),
    )
    if (asked === undefined)
      return failed(429, 'slow_down', 'too many sign-ins have begun: try again later', {
        'retry-after': '60',
      })
    const page = `${base()}${paths.device}`
    return {
      status: 200,
      body: {
        device_code: asked.deviceCode,
        user_code: asked.userCode,
        verification_uri: page,
        verification_uri_complete: `${page}?user_code=${asked.userCode}`,
        expires_in: codesFor,
        interval: pollEvery,
      },
    }
  }

  const poll = async (deviceCode: string): Promise<Answer> => {
    const polled = await codes.poll(deviceCode)
    if (polled === 'slow_down') return failed(429, 'slow_down')
    if (typeof polled === 'string') return failed(400, polled)
    const session = (await tokens.open('session', polled.answer)) as unknown as PersonSession | undefined
    return session === undefined ? failed(400, 'expired_token') : issued(session)
  }

  const answerToken = async (req: IncomingMessage): Promise<Answer> => {
    const form = await readForm(req, clock)
    const type = form?.get('grant_type')
    const deviceCode = form?.get('device_code')
    const refreshToken = form?.get('refresh_token')
    if (type === deviceGrant && deviceCode) return poll(deviceCode)
    if (type === 'refresh_token' && refreshToken) return renew(refreshToken)
    const isKnown = type === deviceGrant || type === 'refresh_token'
    return failed(400, isKnown || !type ? 'invalid_request' : 'unsupported_grant_type')
  }

  /** RFC 7009: signing out of Claude Code ends its session; what is no token is answered as one that was. */
  const revoke = async (req: IncomingMessage): Promise<Answer> => {
    const token = (await readForm(req, clock))?.get('token') ?? ''
    const session = (await tokens.open('refresh', token)) as unknown as PersonSession | undefined
    if (session !== undefined && !isSignedOut(session.subject.name, session.since, session.id)) {
      await options.signOut(session.id)
      note(session.subject.name, 'sign-in.ended', {
        subject: 'claude-code',
        session: session.id,
        why: 'signed out',
      })
    }
    return { status: 200, body: {} }
  }

  return {
    discovery,
    forms: {
      [paths.deviceAuthorization]: askForCode,
      [paths.token]: answerToken,
      [paths.revocation]: revoke,
    },
  }
}

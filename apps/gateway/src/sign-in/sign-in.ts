import { hash } from 'node:crypto'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Clock } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
import type { Client } from '../clients/client-directory.ts'
import type { OidcConfig } from '../config/oidc-config.ts'
import { type ClaimProblem, type Claims, type Subject, subjectOf } from '../identity/claims.ts'
import { IdentityProviderError } from '../identity/discovery.ts'
import type { SignedIn } from '../identity/grants.ts'
import { LoginLimit } from '../operators/login-limit.ts'
import type { Holder } from '../operators/sessions.ts'
import { clientAddress } from '../server/gateway-request.ts'
import { signInCookie } from './cookies.ts'
import { codesFor, type DeviceCodes, pollEvery } from './device-codes.ts'
import { readForm } from './form-body.ts'
import { codePage, confirmPage, goOnPage, sendPage, tellPage } from './pages.ts'
import { protocol } from './protocol.ts'
import { type BegunLogin, LoginRefused, type Person, type ProviderLogin } from './provider-login.ts'
import type { PersonSession, SessionTokens } from './session-tokens.ts'
import { isOfSignIn, signInPaths as paths } from './sign-in-paths.ts'

export interface SignInOptions {
  readonly config: OidcConfig
  readonly login: ProviderLogin
  readonly tokens: SessionTokens
  readonly codes: DeviceCodes
  readonly clock: Clock
  /** The URL that people reach the gateway by. */
  readonly url: () => string
  readonly grants: (subject: Subject) => SignedIn | ClaimProblem
  readonly isSignedOut: (name: string, since: number, session?: string) => boolean
  /** Ends one session. */
  readonly signOut: (session: string) => Promise<void>
  readonly settingsOf: (client: Client) => SignedIn['settings']
  /** Opens a session of the dashboard. @returns the header `set-cookie` */
  readonly openSession: (
    req: IncomingMessage,
    name: string,
    current: () => Client | undefined,
    holder: Holder,
  ) => string
  readonly note: (actor: string, action: string, details: Readonly<Record<string, unknown>>) => void
  readonly log: (line: string) => void
}

/** What people sign in by: Claude Code with a code, operators at the dashboard. */
export interface SignIn {
  /** Whether a path is answered here without a credential. */
  isAt(path: string): boolean
  /** Answers at one of these paths. */
  answer(req: IncomingMessage, res: ServerResponse, path: string): Promise<void>
  /** Who has logged in to the dashboard at a time, as they are now. */
  personOf(subject: unknown, since: number): Client | undefined
  /** Answers `GET /managed/settings` for a client. */
  answerSettings(req: IncomingMessage, res: ServerResponse, client: Client): void
}

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** How long a login at the identity provider, and the confirmation after it, may take, in milliseconds. */
const loginFor = 600_000
const confirmFor = 300_000

/** How long a session may go on that the identity provider gives no refresh token for, in milliseconds. */
const uncheckedFor = 12 * 3_600_000

/** When people sign in again where nothing else is set, in milliseconds. */
const usualSignInAfter = 30 * 86_400_000

/** Two programs of one person may renew the same session at a time: the second one gets what the first one got, in milliseconds. */
const sameAnswerFor = 30_000

interface Answer {
  readonly status: number
  readonly body: object
  readonly headers?: OutgoingHttpHeaders
}

const failed = (
  status: number,
  error: string,
  description?: string,
  headers?: OutgoingHttpHeaders,
): Answer => ({
  status,
  body: { error, ...(description !== undefined && { error_description: description }) },
  ...(headers !== undefined && { headers }),
})

const away = failed(503, 'temporarily_unavailable', 'the identity provider does not answer', {
  'retry-after': '10',
})

export function openSignIn(options: SignInOptions): SignIn {
  const { config, login, tokens, codes, clock, url, grants, isSignedOut, note, log } = options
  const { tokenFor = 3_600_000, signInAfter = usualSignInAfter } = config.sessions ?? {}
  const guesses = new LoginLimit({ clock })
  const renewals = new RecentMap<{ readonly at: number; readonly answer: Promise<Answer> }>(1_000)
  const isHttps = config.publicUrl?.startsWith('https:') === true
  const begunCookie = signInCookie('sign-in', isHttps)
  const confirmCookie = signInCookie('confirm', isHttps)

  const base = (): string => url().replace(/\/$/, '')
  const addressOf = (req: IncomingMessage): string => clientAddress(req) ?? ''

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
    const asked = await codes.ask(addressOf(req), program.replace(/[^\x20-\x7e]/g, '?').slice(0, 80))
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

  const poll = async (deviceCode: string): Promise<Answer> => {
    const polled = await codes.poll(deviceCode)
    if (polled === 'slow_down') return failed(429, 'slow_down')
    if (typeof polled === 'string') return failed(400, polled)
    const session = (await tokens.open('session', polled.answer)) as unknown as PersonSession | undefined
    return session === undefined ? failed(400, 'expired_token') : issued(session)
  }

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

  const answerToken = async (req: IncomingMessage): Promise<Answer> => {
    const form = await readForm(req, clock)
    const type = form?.get('grant_type')
    const deviceCode = form?.get('device_code')
    const refreshToken = form?.get('refresh_token')
    if (type === deviceGrant && deviceCode) return poll(deviceCode)
    if (type === 'refresh_token' && refreshToken) return renewOnce(refreshToken)
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

  /** On to the identity provider. Forms may not lead elsewhere, so that a page does. */
  const beginLogin = async (
    req: IncomingMessage,
    res: ServerResponse,
    purpose: 'device' | 'dashboard',
    userCode = '',
  ): Promise<void> => {
    const { url: to, begun } = await login.begin(`${base()}${paths.callback}`)
    const kept = await tokens.seal('login', { ...begun, purpose, userCode }, loginFor)
    sendPage(res, goOnPage(to), { 'set-cookie': begunCookie.set(req, kept, loginFor / 1000) })
  }

  const answerDevice = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (req.method !== 'POST') {
      const typed = new URLSearchParams(req.url?.split('?')[1] ?? '').get('user_code') ?? ''
      return sendPage(res, codePage(typed.replace(/[^\w -]/g, '').slice(0, 12)))
    }
    const typed = (await readForm(req, clock))?.get('user_code') ?? ''
    const from = addressOf(req)
    const wait = guesses.wait(from)
    if (wait > 0) {
      const seconds = Math.ceil(wait / 1000)
      const page = tellPage('Too many codes', `Try again in ${seconds} s.`, 429)
      return sendPage(res, page, { 'retry-after': String(seconds) })
    }
    guesses.failed(from)
    const found = await codes.find(typed)
    if (found === undefined)
      return sendPage(
        res,
        codePage('', 'No program waits under this code: it is mistyped, used, or older than ten minutes.'),
      )
    guesses.succeeded(from)
    return beginLogin(req, res, 'device', found.userCode)
  }

  const answerCallback = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const kept = begunCookie.read(req)
    const begun = kept === undefined ? undefined : await tokens.open('login', kept)
    const gone = { 'set-cookie': begunCookie.set(req, '', 0) }
    if (begun === undefined) {
      const text =
        'This browser has begun no login here, or more than ten minutes ago. Begin again where you came from.'
      return sendPage(res, tellPage('This login has ended', text, 400), gone)
    }
    let person: Person
    try {
      const came = new URL(`${base()}${paths.callback}`)
      came.search = req.url?.split('?')[1] ?? ''
      person = await login.finish(came, begun as unknown as BegunLogin)
    } catch (error) {
      if (!(error instanceof LoginRefused)) throw error
      log(`a login was refused: ${error.message}`)
      return sendPage(res, tellPage('You are not signed in', `${error.message}.`, 403), gone)
    }
    const subject = subjectOf(person.claims, config)
    const allowed = 'problem' in subject ? subject : grants(subject)
    if ('problem' in subject || 'problem' in allowed) {
      const why = (allowed as ClaimProblem).problem
      note('nobody', 'sign-in.refused', { subject: String(begun.purpose), from: addressOf(req), why })
      return sendPage(res, tellPage('You may not use this gateway', `${why}.`, 403), gone)
    }
    if (begun.purpose === 'dashboard') return enterDashboard(req, res, subject, allowed)
    const session: PersonSession = {
      ...{ id: crypto.randomUUID(), since: clock.epoch(), sub: String(person.claims.sub) },
      email: typeof person.claims.email === 'string' ? person.claims.email : subject.name,
      subject: { name: subject.name, team: subject.team, groups: allowed.groups },
      refreshToken: person.refreshToken,
    }
    return askToConfirm(req, res, String(begun.userCode), session)
  }

  const askToConfirm = async (
    req: IncomingMessage,
    res: ServerResponse,
    userCode: string,
    session: PersonSession,
  ): Promise<void> => {
    const found = await codes.find(userCode)
    const gone = begunCookie.set(req, '', 0)
    if (found === undefined)
      return sendPage(res, tellPage('This code has ended', 'Begin again in your terminal.', 400), {
        'set-cookie': gone,
      })
    const token = crypto.randomUUID()
    // In parts: the form has the person, the cookie shows that it is of this browser.
    const form = await tokens.seal('confirm', { token, userCode, session }, confirmFor)
    const { name } = session.subject
    const { program, from, askedAt } = found
    const secondsAgo = Math.max(0, Math.round((clock.epoch() - askedAt) / 1000))
    sendPage(res, confirmPage({ name, userCode, program, from, secondsAgo, token: form }), {
      'set-cookie': [gone, confirmCookie.set(req, token, confirmFor / 1000)],
    })
  }

  const answerConfirm = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const form = await readForm(req, clock)
    const opened = await tokens.open('confirm', form?.get('token') ?? '')
    const gone = { 'set-cookie': confirmCookie.set(req, '', 0) }
    if (opened === undefined || opened.token !== confirmCookie.read(req)) {
      const page = tellPage('This page is too old', 'Begin again in your terminal.', 400)
      return sendPage(res, page, gone)
    }
    const session = opened.session as PersonSession
    const userCode = String(opened.userCode)
    const isAllowed = form?.get('answer') === 'allow'
    const answer = isAllowed ? await tokens.seal('session', session, codesFor * 1000) : undefined
    if (!(await codes.decide(userCode, answer)))
      return sendPage(res, tellPage('This code has ended', 'Begin again in your terminal.', 400), gone)
    const action = isAllowed ? 'sign-in.accepted' : 'sign-in.denied'
    note(session.subject.name, action, { subject: 'claude-code', session: session.id, from: addressOf(req) })
    sendPage(
      res,
      isAllowed
        ? tellPage('You are signed in', 'Go back to your terminal. You can close this page.')
        : tellPage('Denied', 'The program may not use the gateway. You can close this page.'),
      gone,
    )
  }

  const personOf = (subject: unknown, since: number): Client | undefined => {
    const now = grants(subject as Subject)
    return 'problem' in now || isSignedOut(now.client.name, since) ? undefined : now.client
  }

  const enterDashboard = (
    req: IncomingMessage,
    res: ServerResponse,
    subject: Subject,
    { client }: SignedIn,
  ): void => {
    const gone = begunCookie.set(req, '', 0)
    if (!client.permissions.has('admin:read')) {
      note(client.name, 'login.refused', {
        subject: 'dashboard',
        from: addressOf(req),
        why: 'lacks admin:read',
      })
      const text = `${client.name} lacks the permission admin:read.`
      return sendPage(res, tellPage('You may not see this dashboard', text, 403), { 'set-cookie': gone })
    }
    const since = clock.epoch()
    const current = () => personOf(subject, since)
    const cookie = options.openSession(req, client.name, current, { by: 'oidc', subject, since })
    note(client.name, 'login.accepted', { subject: 'dashboard', from: addressOf(req), by: 'oidc' })
    // A page in between: a cookie that is strict about sites does not come with a redirect from the identity provider.
    sendPage(res, { ...goOnPage('/'), title: 'You are logged in' }, { 'set-cookie': [gone, cookie] })
  }

  const answerLogin = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    // Cookies are of one host: the identity provider sends the browser to this one.
    const at = new URL(base())
    if (req.headers.host !== undefined && req.headers.host !== at.host)
      return void res
        .writeHead(302, { location: `${base()}${paths.login}`, 'cache-control': 'no-store' })
        .end()
    return beginLogin(req, res, 'dashboard')
  }

  const programs: Readonly<Record<string, (req: IncomingMessage) => Promise<Answer>>> = {
    [paths.deviceAuthorization]: askForCode,
    [paths.token]: answerToken,
    [paths.revocation]: revoke,
  }
  const pages: Readonly<Record<string, (req: IncomingMessage, res: ServerResponse) => Promise<void>>> = {
    [paths.device]: answerDevice,
    [paths.confirm]: answerConfirm,
    [paths.login]: answerLogin,
    [paths.callback]: answerCallback,
  }

  const allowedAt = (path: string): readonly string[] =>
    path === paths.device
      ? ['GET', 'HEAD', 'POST']
      : path in programs || path === paths.confirm
        ? ['POST']
        : ['GET', 'HEAD']

  return {
    isAt: isOfSignIn,
    personOf,
    async answer(req, res, path) {
      const methods = allowedAt(path)
      if (!methods.includes(req.method ?? '')) {
        req.resume()
        return sendJson(
          res,
          failed(405, 'invalid_request', `use ${methods.join(', ')} here`, { allow: methods.join(', ') }),
        )
      }
      try {
        if (path === paths.discovery) return sendJson(res, { status: 200, body: discovery(req) })
        if (path === paths.protocol) return sendJson(res, { status: 200, body: protocol })
        const program = programs[path]
        if (program !== undefined) return sendJson(res, await program(req))
        await pages[path]?.(req, res)
      } catch (error) {
        const isAway = error instanceof IdentityProviderError
        log(`a sign-in failed: ${isAway ? error.message : ((error as Error)?.stack ?? String(error))}`)
        if (path in programs) return sendJson(res, away)
        const text = isAway
          ? 'The identity provider does not answer. Try again in a moment; those who run this gateway find why in its log.'
          : 'The gateway could not do this now. Try again in a moment.'
        sendPage(res, tellPage('Signing in does not work now', text, 503), { 'retry-after': '10' })
      }
    },
    answerSettings(req, res, client) {
      const settings = options.settingsOf(client)
      if (settings === undefined)
        return sendJson(res, failed(404, 'not_found', `there are no managed settings for ${client.name}`))
      const { body, etag } = settings
      const headers = { etag, 'cache-control': 'private, no-cache', vary: 'authorization' }
      if (asTags(req.headers['if-none-match']).includes(etag)) return void res.writeHead(304, headers).end()
      res.writeHead(200, { ...headers, 'content-type': 'application/json', 'content-length': body.length })
      res.end(body)
    },
  }
}

const asTags = (header = ''): readonly string[] =>
  header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))

function sendJson(res: ServerResponse, { status, body, headers }: Answer): void {
  if (res.headersSent || res.destroyed) return
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`)
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    ...headers,
  })
  res.end(bytes)
}

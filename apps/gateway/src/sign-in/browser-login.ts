import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ClaimProblem, type Subject, subjectOf } from '../identity/claims.ts'
import type { SignedIn } from '../identity/grants.ts'
import { LoginLimit } from '../operators/login-limit.ts'
import { clientAddress } from '../server/gateway-request.ts'
import { signInCookie } from './cookies.ts'
import { codesFor } from './device-codes.ts'
import { readForm } from './form-body.ts'
import { codePage, confirmPage, goOnPage, sendPage, tellPage } from './pages.ts'
import { type BegunLogin, LoginRefused, type Person } from './provider-login.ts'
import type { PersonSession } from './session-tokens.ts'
import type { SignInOptions } from './sign-in-options.ts'
import { signInPaths as paths } from './sign-in-paths.ts'

/** How long a login at the identity provider, and the confirmation after it, may take, in milliseconds. */
const loginFor = 600_000
const confirmFor = 300_000

type Page = (req: IncomingMessage, res: ServerResponse) => Promise<void>

/**
 * The pages that people see when they sign in, by their paths: they type the code of their program, log in at the identity provider
 * and confirm; operators go on to the dashboard.
 * @param personOf who has logged in to the dashboard at a time, as they are now
 */
export function openBrowserLogin(
  options: SignInOptions,
  personOf: (subject: unknown, since: number) => SignedIn['client'] | undefined,
): Readonly<Record<string, Page>> {
  const { config, login, tokens, codes, clock, url, grants, note, log } = options
  const guesses = new LoginLimit({ clock })
  const isHttps = config.publicUrl?.startsWith('https:') === true
  const begunCookie = signInCookie('sign-in', isHttps)
  const confirmCookie = signInCookie('confirm', isHttps)
  const base = (): string => url().replace(/\/$/, '')
  const addressOf = (req: IncomingMessage): string => clientAddress(req) ?? ''

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

  return {
    [paths.device]: answerDevice,
    [paths.confirm]: answerConfirm,
    [paths.login]: answerLogin,
    [paths.callback]: answerCallback,
  }
}

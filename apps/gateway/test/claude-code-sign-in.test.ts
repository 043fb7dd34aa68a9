import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, startClaude } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { AnsweredCall } from '../src/index.ts'
import { Browser } from './browser.ts'
import { clientsOf } from './clients.ts'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { startIdentityProvider } from './identity-provider.ts'
import { installClaudeCode } from './install-claude-code.ts'
import { type ChatRequest, claudeCode, hasResult, steps } from './run-claude-code.ts'
import { until } from './spillway.ts'
import { controlC, hasTerminal, openTerminal } from './terminal.ts'

// Runs the real Claude Code, which is not a dependency, against a real identity provider.

const mustRun = Boolean(process.env.CI)
const { isHere, ask } = await claudeCode()

it.runIf(mustRun)('Claude Code could be installed', () => {
  expect(isHere).toBe(true)
})

describe.skipIf(!isHere)('Claude Code that has signed in', { timeout: 120_000 }, () => {
  it('renews its session, gets the settings of its group, and does a task with tools while Claude is down', async () => {
    const home = realpathSync(temporaryFolder())
    const file = join(home, 'greeting.txt')
    writeFileSync(file, 'Hello, dam.\n')
    const port = await freePort()
    const provider = await startIdentityProvider([`http://127.0.0.1:${port}/login/oidc/callback`])
    const reply = ({ json }: { readonly json: unknown }) => {
      const { messages, tools } = json as ChatRequest
      if (tools === undefined || tools.length === 0) return { text: 'A greeting' }
      return steps(file)[messages.filter(hasResult).length] ?? { text: 'There is nothing left to do.' }
    }
    const claude = forThisTest(await startClaude({ reply, separateWrites: true }))
    const spare = forThisTest(await startClaude({ reply, separateWrites: true }))
    // Retried once, and then down.
    claude.always({ type: 'status', status: 529 })
    const clients = await clientsOf({})
    const groups = {
      engineers: {
        permissions: ['claude:code'],
        settings: { model: 'claude-sonnet-5-5', companyAnnouncements: ['Welcome to the spillway.'] },
      },
    }
    const calls: AnsweredCall[] = []
    const server = { ...clients.server, port, oidc: { ...provider.settings, groups } }
    const gateway = await gatewayOf(
      configOf(targetAt(claude, 'anthropic'), targetAt(spare, 'anthropic'), {
        server,
        retry: { attempts: 2, baseDelay: '10ms' },
      }),
      calls,
      port,
    )

    const post = async (path: string, form: Record<string, string>) => {
      const response = await fetch(`${gateway.url}${path}`, {
        method: 'POST',
        body: new URLSearchParams(form),
      })
      return (await response.json()) as Record<string, string>
    }
    const codes = await post('/oauth/device_authorization', { surface: 'claude_code' })
    const browser = new Browser()
    const typed = await browser.open(codes.verification_uri_complete as string)
    await browser.submit(await browser.submit(typed, {}), { answer: 'allow' })
    const grant = 'urn:ietf:params:oauth:grant-type:device_code'
    const tokens = await post('/oauth/token', { grant_type: grant, device_code: codes.device_code as string })
    const credentials = join(home, '.claude')
    mkdirSync(credentials, { recursive: true })
    // As Claude Code keeps them, with a token that has to be renewed first.
    const kept = {
      url: gateway.url,
      jwt: tokens.access_token,
      expiresAt: Date.now() + 1_000,
      tokenEndpoint: `${gateway.url}/oauth/token`,
      idpRefreshToken: tokens.refresh_token,
      vouchedAtLogin: false,
    }
    writeFileSync(
      join(credentials, '.credentials.json'),
      JSON.stringify({ enterpriseGateway: kept, gatewayTrust: { '127.0.0.1': 'http-loopback' } }),
      { mode: 0o600 },
    )
    const { result, is_error } = await ask(gateway.url, {
      home,
      prompt: 'Greet the spillway in greeting.txt.',
      flags: ['--permission-mode', 'acceptEdits'],
      variables: { CLAUDE_CONFIG_DIR: credentials },
    })
    expect([result, is_error]).toEqual(['The spillway is greeted now.', false])
    expect(readFileSync(file, 'utf8')).toBe('Hello, spillway.\n')
    expect(new Set(calls.map(({ tenant }) => tenant))).toEqual(new Set(['alice@example.com']))
    expect(calls.every(({ response }) => response.target === 'local')).toBe(true)
    expect(claude.requests.length).toBeGreaterThan(1)
    const models = spare.requests.map(({ json }) => (json as { readonly model?: string }).model)
    expect(models).toContain('claude-sonnet-5-5')
    expect(JSON.parse(readFileSync(join(credentials, 'remote-settings.json'), 'utf8'))).toEqual(
      groups.engineers.settings,
    )
    const stored = JSON.parse(readFileSync(join(credentials, '.credentials.json'), 'utf8'))
    expect(stored.enterpriseGateway.jwt).not.toBe(tokens.access_token)
    expect(JSON.stringify([claude.requests, spare.requests])).not.toContain(stored.enterpriseGateway.jwt)
  })

  it.skipIf(!hasTerminal())('signs in by its own screen, with a code that a person allows', async () => {
    const home = realpathSync(temporaryFolder())
    const port = await freePort()
    const provider = await startIdentityProvider([`http://127.0.0.1:${port}/login/oidc/callback`])
    const claude = forThisTest(await startClaude({ reply: { text: 'Hello from the far side.' } }))
    const clients = await clientsOf({})
    const groups = { engineers: { permissions: ['claude:code'], settings: { model: 'claude-sonnet-5-5' } } }
    const calls: AnsweredCall[] = []
    const server = { ...clients.server, port, oidc: { ...provider.settings, groups } }
    const gateway = await gatewayOf(
      configOf(targetAt(claude, 'anthropic'), undefined, { server }),
      calls,
      port,
    )
    mkdirSync(join(home, '.claude'))
    const settings = { forceLoginMethod: 'gateway', forceLoginGatewayUrl: gateway.url }
    writeFileSync(join(home, '.claude', 'settings.json'), JSON.stringify(settings))
    const known = {
      hasCompletedOnboarding: true,
      theme: 'dark',
      projects: { [home]: { hasTrustDialogAccepted: true } },
    }
    writeFileSync(join(home, '.claude.json'), JSON.stringify(known))
    const terminal = await openTerminal(home, {
      ...{ PATH: process.env.PATH ?? '', HOME: home, BROWSER: '/bin/true' },
      ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1', DISABLE_TELEMETRY: '1' },
    })
    /** What it draws comes without the spaces that the cursor jumps over. */
    const shows = (text: RegExp): Promise<void> =>
      until(() => text.test(terminal.shown().replace(/\s/g, '')), 30_000).catch(() => {
        throw new Error(`the terminal does not show ${text}:\n${terminal.shown().slice(-2_000)}`)
      })
    const [up, enter] = ['\u001b[A', '\r']
    await terminal.begin(`${process.execPath} ${await installClaudeCode()}`, /auto mode/)
    terminal.press('/login')
    await shows(/\/plugin-authoring|Signinwith/)
    terminal.press(enter)
    await shows(/Entertoconnect/)
    terminal.press(enter)
    await shows(/Trustgateway127\.0\.0\.1/)
    terminal.press(up)
    await shows(/❯Yes,trust/)
    terminal.press(enter)
    await shows(/Code:[B-Z]{4}-[B-Z]{4}/)
    const code = /Code:\s*([B-Z]{4}-[B-Z]{4})/.exec(terminal.shown())?.[1] ?? ''
    const browser = new Browser()
    const typed = await browser.submit(await browser.open(`${gateway.url}/device`), { user_code: code })
    expect(typed.text).toContain('claude-code')
    await browser.submit(typed, { answer: 'allow' })
    await shows(/SignedintoCloudgatewayasalice@example\.com/)
    terminal.press(up)
    await shows(/❯Yes,continue/)
    terminal.press(enter)
    const credentials = join(home, '.claude', '.credentials.json')
    await until(() => readFileSync(credentials, 'utf8').includes('enterpriseGateway'), 20_000)
    const { enterpriseGateway } = JSON.parse(readFileSync(credentials, 'utf8'))
    expect(enterpriseGateway).toMatchObject({ url: gateway.url, idpRefreshToken: expect.any(String) })
    terminal.press(controlC)
    terminal.press(controlC)
  })
})

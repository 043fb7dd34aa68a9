import { join } from 'node:path'
import { freePort, startClaude } from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { faultsOf } from '../../dashboard/test/accessibility.ts'
import { complaintsOf, hasChromium, launchBrowser, settled } from '../../dashboard/test/browser.ts'
import { clientHash } from '../src/clients/client-hash.ts'
import { newLoginCode } from '../src/operators/login-code.ts'
import { clientsOf } from './clients.ts'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { startIdentityProvider } from './identity-provider.ts'
import { messages, send } from './raw-client.ts'
import type { Browser, Page } from './watched-page.ts'

describe.skipIf(!hasChromium())('the login of the dashboard, in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser(['evil.example'])
  })
  afterAll(() => browser?.close())

  async function start() {
    const claude = forThisTest(await startClaude())
    const clients = await clientsOf({
      ops: { permissions: ['admin'] },
      viewer: { permissions: ['admin:read'] },
    })
    const gateway = await gatewayOf(
      configOf(targetAt(claude, 'anthropic'), undefined, {
        server: clients.server,
        storage: { url: `sqlite:${join(temporaryFolder(), 'ledger.db')}` },
      }),
    )
    return {
      url: gateway.url,
      clients,
      hash: clientHash(Buffer.from(process.env.SPILLWAY_TEST_CLIENT_SECRET ?? '')),
    }
  }

  async function open(url: string, options: object = {}): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options })
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const complaints = complaintsOf(page)
    await page.goto(url)
    return { page, complaints }
  }

  it('by keyboard: a wrong key, the right one, a client added, its key copied and used, revoked, out', async () => {
    const { url, clients } = await start()
    const { page, complaints } = await open(url, { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    expect(await page.title()).toBe('Log in · Spillway')
    expect(await faultsOf(page)).toEqual([])
    // The field has the keyboard already.
    await page.keyboard.type('sw-wrong')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('does not open the dashboard').waitFor()
    expect(await faultsOf(page)).toEqual([])
    expect(complaints.splice(0)).toEqual([expect.stringContaining('401')])
    await page.getByLabel('Key').fill(clients.keys.ops ?? '')
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'Clients' }).click()
    await page.locator('h1', { hasText: 'Clients' }).waitFor()
    await settled(page)
    expect(await page.evaluate(() => document.cookie)).toBe('')
    expect(await page.locator('.who span').textContent()).toBe('ops')

    await page.getByRole('button', { name: 'Add a client' }).click()
    await page.getByLabel('Name').fill('web')
    await page.getByLabel('Team').fill('shop')
    expect(await faultsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('heading', { name: 'The key of web' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Copy' }).first().click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const key = await page.evaluate(() => navigator.clipboard.readText())
    expect(key).toMatch(/^sw-\w{42}$/)
    expect(await page.locator('.modal').textContent()).toContain(
      `ANTHROPIC_BASE_URL=${url} ANTHROPIC_AUTH_TOKEN=${key} claude`,
    )
    expect(await faultsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Done' }).click()
    expect(await page.content()).not.toContain(key)
    const call = () => send(`${url}/v1/messages`, { body: messages(), headers: { 'x-api-key': key } })
    expect((await call()).status).toBe(200)

    const row = page.getByRole('row', { name: 'web' })
    await row.getByRole('button', { name: 'Change web' }).click()
    await page.getByLabel('Largest max_tokens').fill('10')
    await page.getByRole('button', { name: 'Save' }).click()
    await row.getByText('up to 10 tokens').waitFor()
    expect((await call()).status).toBe(403)
    await row.getByRole('button', { name: 'Rotate web' }).click()
    await page.getByRole('button', { name: 'Make a new key' }).click()
    await page.getByRole('button', { name: 'Done' }).click()
    // Its column is left out where the window is small.
    await row.getByText('and 1 that ends').waitFor({ state: 'attached' })
    await row.getByRole('button', { name: 'Revoke web' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await row.getByRole('button', { name: 'Revoke web' }).click()
    await page.getByRole('button', { name: 'Revoke', exact: true }).click()
    await row.getByText('revoked').waitFor()
    expect((await call()).status).toBe(401)

    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await page.goBack().catch(() => {})
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    expect(complaints).toEqual([])
  }, 60_000)

  it('with the identity provider, from a link of the login screen', async () => {
    const port = await freePort()
    const provider = await startIdentityProvider([`http://127.0.0.1:${port}/login/oidc/callback`])
    const claude = forThisTest(await startClaude())
    const { server } = await clientsOf({})
    const oidc = { ...provider.settings, groups: { engineers: { permissions: ['admin:read'] } } }
    const config = configOf(targetAt(claude, 'anthropic'), undefined, { server: { ...server, port, oidc } })
    const gateway = await gatewayOf(config, [], port)
    const { page, complaints } = await open(gateway.url)
    await page.getByRole('link', { name: 'Log in with your organisation' }).click()
    await page.getByText('alice@example.com').waitFor()
    expect(await faultsOf(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  it('on a phone in the dark by a link, without what the client may not do; gone when its key is revoked', async () => {
    const { url, clients, hash } = await start()
    const phone = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' }
    const link = `${url}/#/login?code=${newLoginCode(hash, 'admin:alice', Date.now())}`
    const { page } = await open(link, phone)
    await page.locator('.who').getByText('admin:alice').waitFor()
    expect(page.url()).not.toContain('code')
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    expect(await faultsOf(page)).toEqual([])
    // It works once.
    await page.goto('about:blank')
    await page.goto(link)
    await page.getByRole('alert').waitFor()

    await page.getByLabel('Key').fill(clients.keys.viewer ?? '')
    await page.keyboard.press('Enter')
    await page.locator('.who').getByText('viewer').waitFor()
    await page.goto(`${url}/#/clients`)
    await page.locator('h1', { hasText: 'Clients' }).waitFor()
    await settled(page)
    expect(await page.getByRole('button', { name: 'Add a client' }).isDisabled()).toBe(true)
    expect(await page.getByRole('button', { name: 'Revoke ops' }).isDisabled()).toBe(true)
    expect(await faultsOf(page)).toEqual([])
    await clients.revoke('viewer')
    // With its next question, which the view asks by itself.
    await page.waitForTimeout(1_000)
    await page.goto(`${url}/#/health`)
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
  }, 60_000)

  it('a page of another site, and one on another port of this machine, act with nobody’s cookie', async () => {
    const { url, clients } = await start()
    const { port } = new URL(url)
    const { page } = await open(url)
    await page.getByLabel('Key').fill(clients.keys.ops ?? '')
    await page.keyboard.press('Enter')
    await page.locator('.who').waitFor()
    const other = forThisTest(await startClaude())
    for (const origin of [`http://evil.example:${new URL(other.url).port}`, other.url]) {
      const evil = await page.context().newPage()
      await evil.route(`${origin}/evil`, (route) =>
        route.fulfill({ contentType: 'text/html', body: '<p>evil</p>' }),
      )
      await evil.goto(`${origin}/evil`)
      const tried = await evil.evaluate(async (gateway: string) => {
        const attempt = (path: string, init: RequestInit) =>
          fetch(`${gateway}${path}`, { credentials: 'include', ...init }).then(
            (response) => response.type + response.status,
            () => 'refused',
          )
        const form = document.createElement('form')
        Object.assign(form, {
          method: 'post',
          action: `${gateway}/api/clients/viewer/revoke`,
          target: 'sink',
        })
        const sink = document.createElement('iframe')
        sink.name = 'sink'
        document.body.append(form, sink)
        form.submit()
        const image = new Image()
        image.src = `${gateway}/api/targets`
        navigator.sendBeacon(`${gateway}/api/clients/viewer/revoke`, '{}')
        return [
          await attempt('/api/targets', {}),
          await attempt('/api/clients', {
            method: 'POST',
            body: '{"name":"evil"}',
            headers: { 'content-type': 'application/json' },
          }),
          await attempt('/api/clients/viewer/revoke', { method: 'POST', body: '{}', mode: 'no-cors' }),
          await attempt('/api/logout', { method: 'POST', mode: 'no-cors' }),
        ]
      }, `http://127.0.0.1:${port}`)
      expect(tried.slice(0, 2)).toEqual(['refused', 'refused'])
      await evil.waitForTimeout(300)
    }
    const headers = { authorization: `Bearer ${clients.keys.ops}`, 'x-api-key': '' }
    const { text } = await send(`${url}/api/clients`, { method: 'GET', headers })
    const states = JSON.parse(text).clients.map(
      ({ name, state }: { name: string; state: string }) => `${name} ${state}`,
    )
    expect(states).toEqual(['ops active', 'viewer active'])
    // Nor did they end the session.
    await page.reload()
    await page.locator('.who').getByText('ops').waitFor()
  }, 60_000)
})

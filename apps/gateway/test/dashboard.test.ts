import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { views } from '../../dashboard/src/routing.ts'
import { faultsOf } from '../../dashboard/test/accessibility.ts'
import { hasChromium, launchBrowser, settled } from '../../dashboard/test/browser.ts'
import { forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'
import { type Browser, type Page, watchedPage } from './watched-page.ts'

describe.skipIf(!hasChromium())('the dashboard of a gateway that runs', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser?.close())

  /** A gateway with everything that has a view, and the Claude in front of its local model. */
  async function start(): Promise<{ url: string; claude: SimulatedServer }> {
    const claude = forThisTest(await startClaude())
    const local = forThisTest(await startClaude())
    const candidate = forThisTest(await startClaude())
    const gateway = await gatewayOf({
      targets: {
        claude: targetAt(claude, 'anthropic'),
        local: targetAt(local, 'anthropic'),
        candidate: targetAt(candidate, 'anthropic'),
      },
      routes: [{ models: '*', target: 'claude', fallback: ['local'] }],
      retry: { attempts: 1 },
      mirror: [{ from: 'claude', to: 'candidate', sample: 1 }],
      storage: { url: `sqlite:${join(temporaryFolder(), 'ledger.db')}` },
    })
    return { url: gateway.url, claude }
  }

  it('shows a line for curl, while there is no call, that works as it is pasted', async () => {
    const { url } = await start()
    const page = await watchedPage(browser, url)
    const text = (await page.locator('.empty code').textContent()) ?? ''
    const [claudeCode = '', ...curl] = text.split('\n')
    expect(claudeCode).toBe(`ANTHROPIC_BASE_URL=${url} ANTHROPIC_AUTH_TOKEN=spillway claude`)
    const { stdout } = await promisify(execFile)('sh', ['-c', curl.join('\n')])
    expect(JSON.parse(stdout)).toMatchObject({ type: 'message', role: 'assistant' })
  })

  const calls = (page: Page) =>
    page.locator('.stat', { has: page.locator('dt', { hasText: /^Calls$/ }) }).locator('.value')

  it('each view shows what happened, without a complaint or a serious fault', async () => {
    const { url, claude } = await start()
    for (let call = 0; call < 3; call++)
      await send(`${url}/v1/messages`, { body: messages({ stream: true }) })
    claude.next({ type: 'status', status: 529 })
    await send(`${url}/v1/messages`, { body: messages() })
    const page = await watchedPage(browser, url)
    for (const { id, name } of views) {
      await page.goto(`${url}/#/${id}`)
      await page.locator('h1', { hasText: name }).waitFor()
      await settled(page)
      expect(await page.locator('.problem').count(), id).toBe(0)
      expect(await faultsOf(page), id).toEqual([])
    }
    await page.goto(`${url}/#/live?range=1h`)
    await expect.poll(() => calls(page).textContent()).toBe('4')
    await page.goto(`${url}/#/fallbacks?range=1h`)
    await expect.poll(() => page.locator('main').textContent()).toContain('overloaded')
    await page.goto(`${url}/#/mirror`)
    await expect.poll(() => page.locator('main').textContent()).toContain('candidate')
    await page.goto(`${url}/#/calls`)
    await expect.poll(() => page.locator('table tbody tr').count()).toBe(4)
    await page.goto(`${url}/#/audit`)
    await expect.poll(() => page.locator('main').textContent()).toContain('gateway.started')
  }, 60_000)

  it('a call shows while the page is open', async () => {
    const { url } = await start()
    const page = await watchedPage(browser, `${url}/#/live`)
    expect(await page.locator('table tbody tr').count()).toBe(0)
    await send(`${url}/v1/messages`, { body: messages() })
    await expect.poll(() => page.locator('table tbody tr').count(), { timeout: 5000 }).toBe(1)
  }, 60_000)

  it('before the first call it says how to make one', async () => {
    const { url } = await start()
    const page = await watchedPage(browser, url)
    await expect.poll(() => page.locator('main .empty').first().textContent()).toContain(url)
  }, 60_000)
})

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { views } from '../src/routing.ts'
import { hasChromium, launchBrowser, settled } from './browser.ts'
import { type FixtureServer, startFixtureServer } from './fixture-server.ts'
import { aFewCalls, bigNumbers, nothingYet } from './fixtures.ts'

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
const phone = { width: 360, height: 740 }
const fixtures = [
  ['nothing', nothingYet],
  ['a few calls', aFewCalls],
  ['big numbers', bigNumbers],
] as const

describe.skipIf(!hasChromium())('the dashboard in Chromium', () => {
  let folder: string
  let browser: Browser
  let server: FixtureServer

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'spillway-dashboard-'))
    const root = fileURLToPath(new URL('..', import.meta.url))
    await build({ root, logLevel: 'warn', build: { outDir: folder, emptyOutDir: true } })
    browser = await launchBrowser()
    server = await startFixtureServer(nothingYet(Date.now()), folder)
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A page of its own, which must not complain, but of connections that a test cuts; and the gateway behind it is well again. */
  async function open(hash: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      const isCut = message.text().includes('ERR_INCOMPLETE_CHUNKED_ENCODING')
      if (['error', 'warning'].includes(message.type()) && !isCut) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    onTestFinished(async () => {
      await context.close()
      server.isBroken = false
    })
    await page.goto(`${server.url}/${hash}`)
    await settled(page)
    // What a broken gateway answers stands in the console by the browser's own doing.
    if (!server.isBroken) onTestFinished(() => expect(complaints).toEqual([]))
    return page
  }

  const isTooWide = (page: Page): Promise<boolean> =>
    page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)

  /** The serious and critical faults that axe finds. */
  async function faults(page: Page): Promise<readonly string[]> {
    await page.evaluate(axe)
    return page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: typeof import('axe-core') }
      const { violations } = await axe.run(document)
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
    })
  }

  describe.each(fixtures)('with %s', (_, fixture) => {
    test.each(views.map(({ id, name }) => [name, id]))(
      '%s renders, on a desk and on a phone',
      async (name, id) => {
        server.fixture = fixture(Date.now())
        const page = await open(`#/${id}`)
        expect(await page.locator('h1').textContent()).toBe(name)
        expect(await page.title()).toBe(`${name} · Spillway`)
        expect(await page.locator('.problem').count()).toBe(0)
        expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(4_000)
        expect(await isTooWide(page)).toBe(false)
        expect(await faults(page)).toEqual([])
        await page.setViewportSize(phone)
        expect(await isTooWide(page)).toBe(false)
      },
    )
  })

  test.each(views.map(({ id, name }) => [name, id]))(
    '%s has no fault in the dark, on a phone',
    async (_, id) => {
      server.fixture = aFewCalls(Date.now())
      const page = await open(`#/${id}`, { colorScheme: 'dark', viewport: phone })
      expect(await faults(page)).toEqual([])
    },
  )

  test('what is empty says what to do, with this gateway’s own address', async () => {
    server.fixture = nothingYet(Date.now())
    const page = await open('')
    expect(await page.locator('.empty code').textContent()).toContain(
      `ANTHROPIC_BASE_URL=${server.url} ANTHROPIC_AUTH_TOKEN=spillway claude`,
    )
    await page.getByRole('link', { name: 'Mirror' }).click()
    await page.getByText('mirror:').waitFor()
    await page.getByRole('link', { name: 'Keys' }).click()
    await page.getByText('spillway link claude --tier pro').waitFor()
  })

  test('calls appear as they end, survive a cut connection, and stand still while paused', async () => {
    server.fixture = bigNumbers(Date.now())
    const page = await open('')
    const first = page.locator('.panel:last-of-type tbody tr').first()
    const send = (id: string, model: string): void => {
      const call = server.fixture.nextCall(Date.now())
      if (call !== undefined)
        server.send({ ...call, id, model, target: 'claude', failure: null, fallback: null })
    }
    await page.locator('.feed[data-status="live"]').waitFor()
    send('one', 'model-one')
    await first.getByText('model-one').waitFor()
    expect(await page.locator('.shares').last().locator('li').first().textContent()).toContain('claude')
    server.cutLive()
    await page.locator('.feed[data-status="waiting"]').waitFor()
    await page.locator('.feed[data-status="live"]').waitFor()
    send('two', 'model-two')
    await first.getByText('model-two').waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    send('three', 'model-three')
    await page.locator('.shares').last().getByText('3', { exact: true }).waitFor()
    expect(await first.textContent()).toContain('model-two')
    await page.getByRole('button', { name: 'Go on' }).click()
    await first.getByText('model-three').waitFor()
  })

  test('a gateway in trouble is told calmly, and asked again on demand', async () => {
    server.fixture = aFewCalls(Date.now())
    server.isBroken = true
    const page = await open('#/keys')
    await page.getByText('the ledger cannot be reached').waitFor()
    server.isBroken = false
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('cell', { name: 'openrouter' }).waitFor()
    expect(await page.locator('.problem').count()).toBe(0)
  })

  test('everything is reached by keyboard, and a new view is where the reader goes on', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Latency')
    await page.keyboard.press('Enter')
    // The link that was followed says the same, so the element tells.
    await page.waitForFunction(() => document.activeElement?.matches('h1'))
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Latency')
    await settled(page)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.waitForFunction(() => location.hash === '#/latency?range=15m')
    for (let step = 0; step < 5; step++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('columnheader', { name: 'p95' }).waitFor()
  })

  test('filters and pages ask the gateway, and stand in the address', async () => {
    server.fixture = bigNumbers(Date.now())
    const page = await open('#/calls')
    expect(await page.locator('tbody tr').count()).toBe(50)
    await page.getByRole('button', { name: 'Older' }).click()
    await page.getByText('Page 2').waitFor()
    await page.getByLabel('Model').fill('claude-opus')
    await page.waitForFunction(() => location.hash === '#/calls?model=claude-opus')
    await page.getByText('Page 1').waitFor()
    await settled(page)
    const models = await page.locator('tbody .model').allTextContents()
    expect(models.every((model) => model.startsWith('claude-opus-5-5'))).toBe(true)
    await page.getByLabel('Search').fill('no such call')
    await page.getByRole('button', { name: 'Clear the filters' }).click()
    await page.getByText('Page 1').waitFor()
    expect(await page.getByLabel('Model').inputValue()).toBe('')
  })

  test('the colours follow the device until one is chosen, and the choice stays', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/latency', { colorScheme: 'dark' })
    const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const dark = await ground()
    await page.getByRole('button', { name: 'Colours: Auto' }).click()
    const light = await ground()
    expect(light).not.toBe(dark)
    await page.reload()
    await page.getByRole('button', { name: 'Colours: Light' }).waitFor()
    expect(await ground()).toBe(light)
    await page.getByRole('button', { name: 'Colours: Light' }).click()
    expect(await ground()).toBe(dark)
  })

  test('nothing moves for those who do not want it', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/health', { reducedMotion: 'reduce' })
    const moving = await page.evaluate(
      () =>
        [...document.querySelectorAll('*')].filter(
          (each) => getComputedStyle(each).transitionDuration !== '0s',
        ).length,
    )
    expect(moving).toBe(0)
  })
})

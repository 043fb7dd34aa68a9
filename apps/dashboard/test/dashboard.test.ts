import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CallRow } from '@spillway/gateway-api'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { views } from '../src/routing.ts'
import { faultsOf } from './accessibility.ts'
import { complaintsOf, hasChromium, launchBrowser, settled } from './browser.ts'
import { storyOf } from './fixture-calls.ts'
import { type FixtureServer, startFixtureServer } from './fixture-server.ts'
import { aFewCalls, bigNumbers, nothingYet } from './fixtures.ts'

const desk = { width: 1280, height: 860 }
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
    rmSync(folder, { recursive: true, force: true, maxRetries: 9 })
  })

  /** What a test did not cause: it may cut connections, and break the gateway. */
  const unexpected = (complaints: readonly string[]): string[] =>
    complaints.filter((text) => !text.includes('503') && !text.includes('ERR_INCOMPLETE_CHUNKED_ENCODING'))

  async function newPage(options: BrowserContextOptions): Promise<Page> {
    const context = await browser.newContext({ viewport: desk, ...options })
    return context.newPage()
  }

  /** The page of all tests that need no other, since each new one takes a second. */
  let usual: Page | undefined

  /** A page for one test, which must not complain; and the gateway behind it is well again. */
  async function open(hash: string, options?: BrowserContextOptions): Promise<Page> {
    if (options === undefined) usual ??= await newPage({})
    const page = options === undefined ? (usual as Page) : await newPage(options)
    const complaints = complaintsOf(page)
    onTestFinished(async () => {
      server.isBroken = false
      if (page !== usual) return page.context().close()
      page.removeAllListeners()
      await page.evaluate(() => localStorage.clear())
    })
    await page.setViewportSize(options?.viewport ?? desk)
    await page.emulateMedia({ colorScheme: options?.colorScheme ?? 'light' })
    // From an empty page, so that it is loaded and not only shown.
    await page.goto('about:blank')
    await page.goto(`${server.url}/${hash}`)
    await settled(page)
    if (!server.isBroken) onTestFinished(() => expect(unexpected(complaints)).toEqual([]))
    return page
  }

  /** One page for all tests of a group, which must not complain: each new page takes a second. */
  function sharedPage(options: BrowserContextOptions = {}): () => Page {
    let page: Page | undefined
    let complaints: string[]
    beforeAll(async () => {
      page = await newPage(options)
      complaints = complaintsOf(page)
    })
    afterEach(() => expect(unexpected(complaints.splice(0))).toEqual([]))
    afterAll(() => page?.context().close())
    return () => page as Page
  }

  const isTooWide = (page: Page): Promise<boolean> =>
    page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)

  describe.each(fixtures)('with %s', (_, fixture) => {
    const shared = sharedPage()

    it.each(views.map(({ id, name }) => [name, id]))(
      '%s renders, on a desk and on a phone, in light and dark',
      async (name, id) => {
        server.fixture = fixture(Date.now())
        const page = shared()
        await page.setViewportSize(desk)
        await page.emulateMedia({ colorScheme: 'light' })
        await page.goto(`${server.url}/#/${id}`)
        await page.locator('h1', { hasText: name }).waitFor()
        await settled(page)
        expect(await page.locator('h1').textContent()).toBe(name)
        expect(await page.title()).toBe(`${name} · Spillway`)
        expect(await page.locator('.problem').count()).toBe(0)
        expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(4_000)
        expect(await isTooWide(page)).toBe(false)
        expect(await faultsOf(page)).toEqual([])
        await page.setViewportSize(phone)
        expect(await isTooWide(page)).toBe(false)
        if (fixture === bigNumbers) return
        await page.emulateMedia({ colorScheme: 'dark' })
        await settled(page)
        expect(await faultsOf(page)).toEqual([])
      },
    )
  })

  it('what is empty says what to do, with this gateway’s own address', async () => {
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

  it('calls appear as they end, survive a cut connection, and stand still while paused', async () => {
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
    await page.getByRole('button', { name: 'Resume' }).click()
    await first.getByText('model-three').waitFor()
  })

  it('a gateway in trouble is told calmly, and asked again on demand', async () => {
    server.fixture = aFewCalls(Date.now())
    server.isBroken = true
    const page = await open('#/keys')
    await page.getByText('the ledger cannot be reached').waitFor()
    server.isBroken = false
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('cell', { name: 'openrouter' }).waitFor()
    expect(await page.locator('.problem').count()).toBe(0)
  })

  it('everything is reached by keyboard, and a new view is where the reader goes on', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Calls')
    for (let step = 0; step < 2; step++) await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Latency')
    await page.keyboard.press('Enter')
    // The link that was followed says the same, so the element tells.
    await page.waitForFunction(() => document.activeElement?.matches('h1'))
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Latency')
    await settled(page)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.waitForFunction(() => location.hash === '#/latency?range=15m')
    await page.getByText('Numbers as a table').first().focus()
    await page.keyboard.press('Enter')
    await page.getByRole('columnheader', { name: 'p95' }).waitFor()
  })

  it('filters and pages ask the gateway, and stand in the address', async () => {
    server.fixture = bigNumbers(Date.now())
    const page = await open('#/calls')
    expect(await page.locator('tbody tr').count()).toBe(50)
    await page.getByRole('button', { name: 'Older' }).click()
    await page.getByText('Page 2').waitFor()
    await page.locator('.facet', { hasText: 'Model' }).locator('summary').click()
    await page.getByRole('button', { name: /^claude-opus-5-5/ }).click()
    await page.waitForFunction(() => location.hash === '#/calls?model=claude-opus-5-5')
    await page.getByText('Page 1').waitFor()
    await settled(page)
    const models = await page.locator('tbody td:nth-child(5)').allTextContents()
    expect(models.every((model) => model.startsWith('claude-opus-5-5'))).toBe(true)
    await page.getByLabel('Search').fill('no such call')
    await page.getByRole('button', { name: 'Clear the filters' }).click()
    await page.getByText('Page 1').waitFor()
    expect(await page.evaluate(() => location.hash)).toBe('#/calls')
  })

  it('a spike of errors leads to the vendor’s words of one call in three clicks', async () => {
    server.fixture = bigNumbers(Date.now())
    const page = await open('')
    const chart = page.getByRole('img', { name: /^Error rate over time/ })
    const box = await chart.boundingBox()
    await page.mouse.click((box?.x ?? 0) + (box?.width ?? 0) * 0.65, (box?.y ?? 0) + 40)
    await page.waitForFunction(() => /^#\/calls\?from=\d+&to=\d+&problems=true$/.test(location.hash))
    await page.locator('tbody tr').first().locator('.badge').click()
    await page.getByText('Overloaded: the vendor asks to come back later.').waitFor()
    await page.getByText('req_011CSHoEeqs5C35K2UUqR7Fy').waitFor()
    await page.getByText('the circuit is open for 9 s more').waitFor()
    await settled(page)
    expect(await faultsOf(page)).toEqual([])
    await page.setViewportSize(phone)
    expect(await isTooWide(page)).toBe(false)
    await page.goBack()
    await page.getByRole('button', { name: /^only problems/ }).waitFor()
  })

  it('what was said is hidden, and not even asked for, until a person wants to see it', async () => {
    server.fixture = aFewCalls(Date.now())
    const id = server.fixture.calls[0]?.id ?? ''
    const page = await open(`#/calls/${id}`)
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).pathname))
    await page.getByText(/^Hidden\./).waitFor()
    expect(await page.getByText('Paris.').count()).toBe(0)
    expect(await faultsOf(page)).toEqual([])
    await page.reload()
    await settled(page)
    expect(asked.filter((path) => path.endsWith('/content'))).toEqual([])
    await page.getByRole('button', { name: 'Show' }).press('Enter')
    await page.getByText('Paris.').waitFor()
    await page.getByText('Truncated: longer than what is kept of one call.').waitFor()
    expect(asked).toContain(`/api/calls/${id}/content`)
    await settled(page)
    expect(await faultsOf(page)).toEqual([])
    await page.setViewportSize(phone)
    expect(await isTooWide(page)).toBe(false)
    await page.getByRole('button', { name: 'Hide' }).click()
    expect(await page.getByText('Paris.').count()).toBe(0)
  })

  it('on a phone, what calls, conversations and groups cost is on the screen', async () => {
    server.fixture = bigNumbers(Date.now())
    const page = await open('#/calls', { viewport: phone })
    for (const view of ['calls', 'sessions', 'usage']) {
      await page.goto(`${server.url}/#/${view}`)
      await settled(page)
      const titles = await page.locator('thead').last().locator('th:visible').allTextContents()
      const place = titles.findIndex((title) => title.startsWith('Cost'))
      expect([view, place]).not.toEqual([view, -1])
      const box = await page
        .locator('tbody')
        .last()
        .locator('tr')
        .first()
        .locator('td:visible')
        .nth(place)
        .boundingBox()
      expect([view, (box?.x ?? 999) + (box?.width ?? 0) <= phone.width]).toEqual([view, true])
    }
  })

  it('what took no tokens misses no price, and the model that answered stands beside the one that was asked', async () => {
    const fixture = aFewCalls(Date.now())
    const nothing = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 }
    const [first, second, third] = fixture.calls as [CallRow, CallRow, CallRow]
    const calls = [
      { ...first, failure: 'server', target: null, costNano: null, tokens: nothing },
      { ...second, failure: null, model: 'claude-opus-5', modelAnswered: 'gpt-oss-20b', costNano: '0' },
      { ...third, failure: null, costNano: null },
    ]
    server.fixture = { ...fixture, calls }
    const page = await open('#/calls')
    const rows = page.locator('tbody tr')
    expect(await rows.locator('td:nth-child(3)').allTextContents()).toEqual(['–', '$0.00', 'unpriced'])
    expect(await rows.nth(1).locator('td:nth-child(5)').textContent()).toMatch(/^claude-opus-5 → gpt-oss-20b/)
  })

  it('the audit log leaves out calls until they are asked for', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/audit')
    const asked = (): Promise<unknown> =>
      page.waitForRequest((request) => {
        const { pathname, searchParams } = new URL(request.url())
        return pathname === '/api/audit' && searchParams.get('action') === null
      })
    const before = page.waitForRequest((request) => request.url().includes('action=-call'))
    await Promise.all([before, page.reload()])
    await Promise.all([asked(), page.getByRole('button', { name: 'Calls too' }).click()])
  })

  it('a frame drawn on a chart is the time that all views show', async () => {
    server.fixture = bigNumbers(Date.now())
    const page = await open('#/latency')
    const box = await page.getByRole('img', { name: /^Time to first token/ }).boundingBox()
    const [x, y] = [box?.x ?? 0, (box?.y ?? 0) + 60]
    await page.mouse.move(x + 300, y)
    await page.mouse.down()
    await page.mouse.move(x + 500, y, { steps: 4 })
    await page.mouse.up()
    await page.waitForFunction(() => /^#\/latency\?from=\d+&to=\d+$/.test(location.hash))
    await page.getByRole('link', { name: 'Conversations' }).click()
    await page.waitForFunction(() => /^#\/sessions\?from=\d+&to=\d+$/.test(location.hash))
    await page.getByRole('button', { name: '24h' }).click()
    await page.waitForFunction(() => location.hash === '#/sessions')
  })

  it('any time can be given, and is compared with the time before', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/latency')
    await page.locator('.own-span > summary').click()
    await page.getByLabel('From', { exact: true }).fill('2026-11-20T10:00')
    await page.getByLabel('To', { exact: true }).fill('2026-11-20T09:00')
    expect(await page.getByRole('button', { name: 'Show' }).isDisabled()).toBe(true)
    await page.getByLabel('To', { exact: true }).fill('2026-11-20T12:00')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.waitForFunction(() => /from=\d+&to=\d+$/.test(location.hash))
    await page.getByRole('button', { name: 'Compare' }).click()
    await page.getByText('p95 before').first().waitFor()
    await page.getByRole('button', { name: 'By target' }).click()
    await page.getByRole('columnheader', { name: 'p95 before' }).first().waitFor()
    expect(await faultsOf(page)).toEqual([])
  })

  it('an hour that occurs twice stays as it is, and what was given once does not come back', async () => {
    server.fixture = aFewCalls(Date.now())
    // 02:30 in winter time, an hour after 02:30 in summer time.
    const from = Date.UTC(2026, 9, 25, 1, 30)
    const page = await open(`#/latency?from=${from}&to=${from + 3_600_000}`, { timezoneId: 'Europe/Berlin' })
    const popover = page.locator('.own-span > summary')
    await popover.click()
    await page.getByLabel('To', { exact: true }).fill('2026-10-25T04:00')
    await page.getByRole('button', { name: 'Show' }).click()
    expect(await page.evaluate(() => location.hash)).toBe(`#/latency?from=${from}&to=${from + 5_400_000}`)
    await page.goto(`${server.url}/#/latency?from=${from}&to=${from + 7_200_000}`)
    await popover.click()
    expect(await page.getByLabel('To', { exact: true }).inputValue()).toBe('2026-10-25T04:30')
  })

  it('the time before is by the clock of the gateway, whatever the one of the browser says', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/latency')
    await page.evaluate(() => {
      const now = Date.now
      Date.now = () => now() + 5 * 3_600_000
    })
    const asked = page.waitForRequest((request) => new URL(request.url()).searchParams.has('from'))
    await page.getByRole('button', { name: 'Compare' }).click()
    const { searchParams } = new URL((await asked).url())
    const { from, to } = server.fixture.summary('24h').range
    const past = { from: String(from - (to - from)), to: String(from) }
    expect(Object.fromEntries(searchParams)).toEqual(past)
  })

  it('j, k and Enter go through the rows, / searches, ? says so', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/calls')
    await page.keyboard.press('?')
    await page.getByRole('complementary', { name: 'Keys' }).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.keyboard.press('/')
    expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('search')
    await page.keyboard.type('jk')
    expect(await page.getByLabel('Search').inputValue()).toBe('jk')
    await page.getByLabel('Search').fill('')
    await page.locator('h1').focus()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    const first = page.locator('tbody a.row-link').first()
    expect(await first.evaluate((link) => link === document.activeElement)).toBe(true)
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => location.hash.startsWith('#/calls/call_'))
    await page.locator('.waterfall').waitFor()
  })

  it('what needs a person stands above every view, and in the navigation', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/usage')
    await page.getByText('rows wait in the journal on disk').waitFor()
    expect(await page.getByRole('link', { name: /Health.*2 need attention/ }).count()).toBe(1)
    await page.getByText('the circuit of claude-sonnet-5-5 is open').click()
    await page.waitForFunction(() => location.hash === '#/health')
  })

  it('numbers of a gateway that is gone say of when they are', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/calls')
    await page.locator('tbody tr').first().waitFor()
    server.isBroken = true
    await page.getByRole('button', { name: '7d' }).click()
    await page
      .getByText(/What you see is as of \d\d:\d\d:\d\d/)
      .first()
      .waitFor()
    server.isBroken = false
  })

  it('conversations and usage are exported as they are seen', async () => {
    server.fixture = bigNumbers(Date.now())
    const page = await open('#/usage?by=tenant&range=30d')
    const link = page.getByRole('link', { name: 'CSV' })
    expect(await link.getAttribute('href')).toBe('api/usage?by=tenant&range=30d&limit=1000&format=csv')
    await page.goto(`${server.url}/#/sessions?order=errors`)
    await page.getByRole('link', { name: 'CSV' }).waitFor()
    await page.locator('tbody a.row-link').first().click()
    await page.waitForFunction(() => location.hash.startsWith('#/calls?session=session-'))
  })

  it('tenants are called by their names wherever they are shown, and found by their fingerprints', async () => {
    server.fixture = aFewCalls(Date.now())
    const fingerprint = 'key-a03f61bb20c4Xk2_q9ZtVw'
    const page = await open(`#/calls?tenant=${fingerprint}`)
    await page
      .locator('.facet', { hasText: /^Tenant/ })
      .getByRole('button', { name: 'Search team' })
      .waitFor()
    await page.getByRole('button', { name: /^tenant: Search team/ }).waitFor()
    const named = page.locator('tbody').getByTitle(fingerprint)
    expect(await named.first().textContent()).toBe('Search team')
    await page.locator('tbody tr', { hasText: 'Search team' }).locator('a.row-link').first().click()
    await page.getByRole('link', { name: 'Search team' }).waitFor()
    for (const hash of ['#/usage?by=tenant', '#/latency?by=tenant', '#/sessions', '#/audit']) {
      await page.goto(`${server.url}/${hash}`)
      await settled(page)
      await page.locator('main').getByText('Search team').first().waitFor()
      expect([hash, await page.locator('main').getByText(fingerprint).count()]).toEqual([hash, 0])
    }
    await page.goto(`${server.url}/#/usage?by=tenant`)
    await page.getByText('Under tenants.names the configuration gives it a name.').waitFor()
  })

  it('days, weeks and months are one click', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/sessions')
    await page.locator('.own-span > summary').click()
    expect(await faultsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Yesterday' }).click()
    const today = new Date().setHours(0, 0, 0, 0)
    const yesterday = new Date(today - 1).setHours(0, 0, 0, 0)
    await page.waitForFunction((hash) => location.hash === hash, `#/sessions?from=${yesterday}&to=${today}`)
    expect(await page.locator('.popover').isVisible()).toBe(false)
  })

  it('what changed is shown over any time, and leads to the calls around it', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/health?range=7d')
    const asked = page.waitForRequest((request) => request.url().includes('/api/changes?range=1h'))
    await Promise.all([asked, page.getByRole('button', { name: '1h', exact: true }).click()])
    await page.waitForFunction(() => location.hash === '#/health?range=1h')
    await settled(page)
    await page.getByRole('img', { name: /^circuit of claude\/eu claude-sonnet-5-5: open/ }).waitFor()
    const rows = page.locator('table', { hasText: 'Changes, newest first' }).locator('tbody tr')
    expect(await rows.count()).toBe(server.fixture.changes.length)
    await rows.first().locator('.badge').click()
    await page.waitForFunction(() => /^#\/calls\?from=\d+&to=\d+&problems=true$/.test(location.hash))
  })

  it('mirrors are of the time that is shown, and each comparison leads to its call', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/mirror')
    const asked = page.waitForRequest((request) => request.url().endsWith('/api/mirror?range=30d'))
    await Promise.all([asked, page.getByRole('button', { name: '30d' }).click()])
    await settled(page)
    await page.locator('table', { hasText: 'The newest comparisons' }).locator('tbody tr').first().click()
    await page.waitForFunction(() => location.hash.startsWith('#/calls/call_'))
    await page.locator('.waterfall').waitFor()
  })

  it('a step of the chart above calls narrows the time, and the filters stay', async () => {
    server.fixture = bigNumbers(Date.now())
    const page = await open('#/calls?failure=server&compare=before')
    await page.getByText(/calls, .* with problems; before: .* with problems/).waitFor()
    const box = await page.getByRole('img', { name: /^Matching calls over time/ }).boundingBox()
    const asked = page.waitForRequest((request) =>
      /api\/matches\?from=\d+&to=\d+&failure=server/.test(request.url()),
    )
    await Promise.all([asked, page.mouse.click((box?.x ?? 0) + 300, (box?.y ?? 0) + 30)])
    await page.waitForFunction(() =>
      /^#\/calls\?from=\d+&to=\d+&failure=server&compare=before$/.test(location.hash),
    )
    const sessions = page.locator('.facet', { hasText: /^Conversation/ })
    await sessions.locator('summary').click()
    await sessions
      .getByRole('button', { name: /^session-/ })
      .first()
      .click()
    await page.waitForFunction(() => location.hash.includes('session=session-'))
  })

  it('a call says for what it waited, and what was lost on the way to a lesser target', async () => {
    const fixture = aFewCalls(Date.now())
    const [first] = fixture.calls as [CallRow]
    const rescued = { ...first, failure: null, fallback: 'overloaded', target: 'local' }
    server.fixture = { ...fixture, story: () => storyOf(rescued) }
    const page = await open(`#/calls/${first.id}`)
    await page.getByRole('img', { name: /^waited before retry: / }).waitFor()
    await page.getByText('Lost on the way to a target that can do less: cache control, thinking.').waitFor()
    expect(await faultsOf(page)).toEqual([])
  })

  it('budgets say who is near the end, and lead to the calls of the period', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/budgets')
    const rows = page.locator('tbody tr')
    expect(await rows.first().textContent()).toContain('ci-nightly')
    expect(await rows.first().locator('.badge').textContent()).toBe('spent')
    await page.getByText('1 of these refuse calls').waitFor()
    await page.getByRole('button', { name: 'Teams' }).click()
    await page.waitForFunction(() => location.hash === '#/budgets?scope=team')
    expect(await rows.count()).toBe(1)
    await page.getByRole('button', { name: 'Any' }).click()
    await page.getByLabel('Search').fill('search team')
    await page.waitForFunction(() => location.hash === '#/budgets?query=search+team')
    expect(await rows.count()).toBe(1)
    const { startsAt = 0, resetsAt = 0 } = server.fixture.budgets[0] ?? {}
    await rows.first().locator('.numbers').click()
    await page.waitForFunction(
      (hash) => location.hash === hash,
      `#/calls?from=${startsAt}&to=${resetsAt}&tenant=key-a03f61bb20c4Xk2_q9ZtVw`,
    )
  })

  it('a client says how much of its budget is used, and leads to its budgets and its calls', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/clients')
    const row = page.locator('tbody tr', { hasText: 'shop' })
    await row.getByText('of $200.00 a month').waitFor()
    await row.getByRole('link', { name: '22% used of the budget of web' }).click()
    await page.waitForFunction(() => location.hash === '#/budgets?query=web')
    await page.goBack()
    await row.getByRole('link', { name: 'web', exact: true }).click()
    await page.waitForFunction(() => location.hash === '#/calls?tenant=web')
  })

  it('what is seen can be had as a file, on every view with numbers', async () => {
    server.fixture = aFewCalls(Date.now())
    const page = await open('#/calls')
    for (const hash of [
      'calls',
      'sessions',
      'latency?by=target',
      'usage',
      'health',
      'fallbacks',
      'mirror',
      'budgets',
      'audit',
    ]) {
      await page.goto(`${server.url}/#/${hash}`)
      await settled(page)
      const links = page.locator('.export').first().getByRole('link')
      expect([hash, await links.allTextContents()]).toEqual([hash, ['CSV', 'JSON']])
    }
  })

  it('usage counts calls that failed, not attempts', async () => {
    server.fixture = bigNumbers(Date.now())
    const page = await open('#/usage?by=target')
    const { rows } = server.fixture.usage('24h', 'target')
    const row = rows[1]
    const cell = page
      .locator('tr', { hasText: row?.key ?? '' })
      .first()
      .locator('td')
      .nth(2)
    const share = ((row?.failedCalls ?? 0) / (row?.calls ?? 1)) * 100
    expect(Number.parseFloat((await cell.textContent()) ?? '')).toBeCloseTo(share, 0)
  })

  it('the colours follow the device until one is chosen, and the choice stays', async () => {
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

  it('nothing moves for those who do not want it', async () => {
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

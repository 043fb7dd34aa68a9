import { readFileSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sessions, Summary } from '@spillway/gateway-api'
import { openLedgerStore } from '@spillway/ledger'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { hasChromium, launchBrowser, settled } from '../../dashboard/test/browser.ts'
import { type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { ownKey } from './gateway.ts'
import { pastCalls, tenants } from './past-calls.ts'
import { messages, send } from './raw-client.ts'
import { type Browser, type Page, watchedPage } from './watched-page.ts'

const day = 24 * 3_600_000
const docs = readFileSync(new URL('../../../docs/dashboard.md', import.meta.url), 'utf8')

/** How many steps docs/dashboard.md says that a question takes. */
function stepsInDocs(question: string): number {
  const row = docs.split('\n').find((line) => line.startsWith(`| ${question}`))
  return Number(/\| (\d+) +\|$/.exec(row ?? '')?.[1])
}

/** Each click of a person: those that the page makes itself are not trusted. */
const countClicks = `addEventListener('click', ({ isTrusted }) => {
  if (!isTrusted) return
  sessionStorage.setItem('clicks', String(Number(sessionStorage.getItem('clicks')) + 1))
}, true)`

const msOf = (text: string): number => Number.parseFloat(text) * (text.endsWith(' ms') ? 1 : 1000)

/** Nearest rank. */
function p95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0
}

describe.skipIf(!hasChromium())(
  'what an operator asks, from the first page of a gateway that runs, over a ledger of two months',
  { timeout: 60_000 },
  () => {
    const now = Date.now()
    const past = pastCalls(now)
    let browser: Browser
    let claude: SimulatedServer
    let second: SimulatedServer
    let gateway: Gateway
    let folder: string

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'spillway-tasks-'))
      const url = `sqlite:${join(folder, 'ledger.db')}`
      const store = openLedgerStore(url)
      await store.write(past.entries)
      await store.close()
      ;[claude, second, browser] = await Promise.all([startClaude(), startClaude(), launchBrowser()])
      const endpoint = ({ url: at }: SimulatedServer) => ({
        api: 'anthropic',
        endpoints: [{ url: at, credential: ownKey.reference }],
      })
      const { config } = parseConfig(
        JSON.stringify({
          targets: { claude: endpoint(claude), openrouter: endpoint(second) },
          routes: [{ models: '*', target: 'claude', fallback: ['openrouter'] }],
          retry: { attempts: 1 },
          tenants: { names: { [tenants.search]: 'Search team', [tenants.billing]: 'Billing' } },
          storage: { url },
        }),
        'test.yaml',
      )
      gateway = await startGateway(config, { port: 0, log: () => {} })
    })
    afterAll(async () => {
      await Promise.all([browser?.close(), gateway?.close(0)])
      await Promise.all([claude?.close(), second?.close()])
      rmSync(folder, { recursive: true, force: true, maxRetries: 9 })
    })

    /** The first page, and what ends the task: a picture of what the operator sees, and how many clicks it took. */
    const begin = (): Promise<Page> => watchedPage(browser, gateway.url, countClicks)
    async function end(page: Page, question: string, picture: string): Promise<void> {
      await settled(page)
      const path = join(process.env.SPILLWAY_SCREENSHOTS ?? folder, `task-${picture}.png`)
      await page.screenshot({ path })
      // A page without numbers is smaller.
      expect(readFileSync(path).length).toBeGreaterThan(20_000)
      const clicks = Number(await page.evaluate("sessionStorage.getItem('clicks')"))
      expect([question, clicks]).toEqual([question, stepsInDocs(question)])
    }
    const get = async <T>(path: string): Promise<T> =>
      JSON.parse((await send(`${gateway.url}/api/${path}`, { method: 'GET' })).text) as T

    it('from a spike of errors to the words of the vendor', async () => {
      const words = 'the tower of Pisa leans over'
      for (let count = 0; count < 3; count++) {
        claude.next({ type: 'status', status: 500, message: words })
        second.next({ type: 'status', status: 500, message: 'the other one too' })
        const { status } = await send(`${gateway.url}/v1/messages`, {
          body: messages({ stream: true }),
          headers: { 'x-api-key': 'one', 'x-spillway-session': 'storm' },
        })
        expect(status).toBe(500)
      }
      const series = await vi.waitFor(async () => {
        const { series } = await get<Summary>('summary')
        expect(series.at(-1)?.errors).toBeGreaterThanOrEqual(3)
        return series
      }, 15_000)
      const page = await begin()
      const chart = page.locator('.chart', { has: page.getByRole('img', { name: /^Error rate over time/ }) })
      const box = await chart.locator('.u-over').boundingBox()
      // The middle of the last bar.
      const x = (box?.width ?? 0) * (1 - 0.5 / series.length)
      await page.mouse.click((box?.x ?? 0) + x, (box?.y ?? 0) + 40)
      await page.waitForFunction('/^#.calls.from=.*problems=true$/.test(location.hash)')
      await page.locator('tbody tr').first().locator('.badge').click()
      await page.getByText(words).waitFor()
      await page.getByText('the other one too').waitFor()
      await page.getByText(/^req_/).first().waitFor()
      await end(page, 'why did calls fail at 14:10?', 'spike')
    })

    it('the five most expensive conversations of yesterday', async () => {
      const page = await begin()
      await page.getByRole('navigation').getByRole('link', { name: 'Conversations' }).click()
      await page.getByText('Custom').click()
      await page.getByRole('button', { name: 'Yesterday' }).click()
      await page.waitForFunction('/from=.*to=/.test(location.hash)')
      await settled(page)
      const names = await page.locator('tbody tr td:first-child').allTextContents()
      expect(names.slice(0, 5)).toEqual(past.dearestYesterday)
      const costs = await page.locator('tbody tr td:nth-child(2)').allTextContents()
      expect(costs[0]?.trim()).toBe('$9.00')
      await end(page, 'which conversations cost most yesterday?', 'conversations')
    })

    it('which tenant caused the 429s, by name', async () => {
      const page = await begin()
      await page.getByRole('navigation').getByRole('link', { name: 'Calls' }).click()
      await settled(page)
      await page.locator('.facets button', { hasText: 'rate limited' }).click()
      await page.getByRole('button', { name: /^failure: rate limited/ }).waitFor()
      await settled(page)
      const found = page.locator('.facet', { hasText: /^Tenant/ }).locator('li')
      await vi.waitFor(async () => expect(await found.count()).toBe(2), 15_000)
      expect(await found.locator('.facet-value').allTextContents()).toEqual(['Search team', 'Billing'])
      expect(await found.locator('.numbers').allTextContents()).toEqual(['17', '3'])
      await end(page, 'which tenant caused the 429s?', '429s')
    })

    it('p95 of the time to first token of Claude and of OpenRouter, this week and last', async () => {
      const page = await begin()
      await page.getByRole('navigation').getByRole('link', { name: 'Latency' }).click()
      await page.getByRole('button', { name: 'By target' }).click()
      await page.getByRole('button', { name: '7d' }).click()
      await page.getByRole('button', { name: 'Compare' }).click()
      const table = page.locator('table', { hasText: 'Latency by target' }).first()
      await table.getByRole('columnheader', { name: 'p95 before' }).waitFor()
      await settled(page)
      const { range } = await get<Summary>('summary?range=7d')
      const weeks = [range, { from: range.from - 7 * day, to: range.from }]
      for (const target of ['claude', 'openrouter']) {
        const cells = await table.locator('tbody tr', { hasText: target }).locator('td').allTextContents()
        // Target, calls, then each percentile and that of before.
        for (const [week, shown] of [msOf(cells[4] ?? ''), msOf(cells[5] ?? '')].entries()) {
          const { from = 0, to = 0 } = weeks[week] ?? {}
          const exact = p95(
            past.calls.flatMap((row) =>
              row.target === target && row.started_at >= from && row.started_at < to
                ? (row.ttft_ms ?? [])
                : [],
            ),
          )
          expect(
            Math.abs(shown / exact - 1),
            `${target}, week ${week}: ${shown}, exactly ${exact}`,
          ).toBeLessThan(0.055)
        }
      }
      await end(page, 'is Claude slower than OpenRouter, and than last week?', 'latency')
    })

    it('the cost of each tenant in a month, as a file', async () => {
      const page = await begin()
      await page.getByRole('navigation').getByRole('link', { name: 'Usage & cost' }).click()
      await page.getByRole('button', { name: 'Tenant', exact: true }).click()
      await page.getByText('Custom').click()
      await page.getByRole('button', { name: 'Last month' }).click()
      await settled(page)
      const download = page.waitForEvent('download')
      await page.getByRole('link', { name: 'CSV' }).click()
      const chunks: Buffer[] = []
      for await (const chunk of await (await download).createReadStream()) chunks.push(chunk as Buffer)
      const [head = '', ...lines] = Buffer.concat(chunks)
        .toString()
        .replace('\ufeff', '')
        .trim()
        .split('\r\n')
      const columns = head.split(',')
      const found = lines.map((line) => {
        const cells = line.split(',')
        const at = (name: string): string => cells[columns.indexOf(name)] ?? ''
        return [at('key'), at('name'), BigInt(at('costNano'))]
      })
      const at = new Date(now)
      const from = new Date(at.getFullYear(), at.getMonth() - 1, 1).getTime()
      const to = new Date(at.getFullYear(), at.getMonth(), 1).getTime()
      const cost = (tenant: string): bigint =>
        past.attempts
          .filter((row) => row.tenant === tenant && row.started_at >= from && row.started_at < to)
          .reduce((sum, { cost_nano }) => sum + BigInt(cost_nano ?? 0), 0n)
      expect(found).toEqual(
        [
          [tenants.search, 'Search team', cost(tenants.search)],
          [tenants.billing, 'Billing', cost(tenants.billing)],
          ['web', '', cost('web')],
        ].toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
      )
      await end(page, 'what did each tenant cost last month?', 'costs')
    })

    it('bars of a month are days, and labels of days are theirs', async () => {
      const { series, range } = await get<Summary>('summary?range=30d')
      expect(series.map(({ at }) => at)).toEqual(
        Array.from({ length: 30 }, (_, index) => range.from + index * day),
      )
      expect(range.from % day).toBe(0)
    })

    it('what conversations cost is the same in the API', async () => {
      const yesterday = new Date(now - day).setHours(0, 0, 0, 0)
      const today = new Date(now).setHours(0, 0, 0, 0)
      const { rows } = await get<Sessions>(`sessions?from=${yesterday}&to=${today}&limit=5`)
      expect(rows.map(({ session }) => session)).toEqual(past.dearestYesterday)
    })
  },
)

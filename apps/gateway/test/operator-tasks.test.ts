import { join } from 'node:path'
import type { Sessions, Summary, Usage } from '@spillway/gateway-api'
import { openLedgerStore } from '@spillway/ledger'
import { startClaude } from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { hasChromium, launchBrowser } from '../../dashboard/test/browser.ts'
import { forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'
import { type Browser, watchedPage } from './watched-page.ts'

describe.skipIf(!hasChromium())(
  'what an operator asks the dashboard of a gateway that runs',
  { timeout: 60_000 },
  () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await launchBrowser()
    })
    afterAll(() => browser?.close())

    /** Claude in front of another server, and a server without one behind it, all of which have had calls. */
    async function start() {
      const claude = forThisTest(await startClaude())
      const second = forThisTest(await startClaude())
      const busy = forThisTest(await startClaude())
      const ledger = `sqlite:${join(temporaryFolder(), 'ledger.db')}`
      const { url } = await gatewayOf({
        targets: {
          claude: targetAt(claude, 'anthropic'),
          second: targetAt(second, 'anthropic'),
          busy: { api: 'anthropic', endpoints: [{ url: busy.url, credential: 'caller' }] },
        },
        routes: [
          { models: 'claude-haiku-*', target: 'busy' },
          { models: '*', target: 'claude', fallback: ['second'] },
        ],
        retry: { attempts: 1 },
        storage: { url: ledger },
      })
      const call = (tenant: string, session: string, changes: object = {}) =>
        send(`${url}/v1/messages`, {
          body: messages({ stream: true, ...changes }),
          headers: { 'x-api-key': tenant, 'x-spillway-session': session },
        })
      const get = async <T>(path: string): Promise<T> => {
        const { text } = await send(`${url}/api/${path}`, { method: 'GET' })
        return JSON.parse(text) as T
      }
      return { url, ledger, claude, second, busy, call, get }
    }

    test('from a spike of errors to the words of the vendor in two clicks', async () => {
      const { url, claude, second, call, get } = await start()
      for (let count = 0; count < 4; count++) await call('one', 'quiet')
      const words = 'the tower of Pisa leans over'
      for (let count = 0; count < 3; count++) {
        claude.next({ type: 'status', status: 500, message: words })
        second.next({ type: 'status', status: 500, message: 'the other one too' })
        expect((await call('one', 'storm')).status).toBe(500)
      }
      const { series } = await vi.waitFor(async () => {
        const summary = await get<Summary>('summary?range=1h')
        expect(summary.errors).toBe(3)
        return summary
      }, 15_000)
      const page = await watchedPage(browser, `${url}/#/live?range=1h`)
      const plot = page.locator('.chart', { has: page.getByRole('img', { name: /^Error rate over time/ }) })
      const box = await plot.locator('.u-over').boundingBox()
      const [first = 0, last = 1] = [series[0]?.at, series.at(-1)?.at]
      const spike = series.find(({ errors }) => errors > 0)?.at ?? 0
      const share = (spike - first) / (last - first)
      // Not on the very edge, where the chart ends.
      const x = Math.min(Math.max(share, 0.005), 0.995) * (box?.width ?? 0)
      await page.mouse.click((box?.x ?? 0) + x, (box?.y ?? 0) + 40)
      await page.waitForFunction('/^#.calls.from=.*problems=true$/.test(location.hash)')
      await page.locator('tbody tr').first().locator('.badge').click()
      await page.getByText(words).waitFor()
      await page.getByText('the other one too').waitFor()
      await page.getByText(/^req_/).first().waitFor()
    })

    test('the most expensive conversations, who caused the 429s, p95 by target, and the costs by tenant as a file', async () => {
      const { url, ledger, claude, busy, call, get } = await start()
      const long = 'word '.repeat(2000)
      await call('alice', 'cheap')
      await call('alice', 'dear', { messages: [{ role: 'user', content: long }] })
      await call('bob', 'dearest', { messages: [{ role: 'user', content: long.repeat(3) }] })
      claude.next({ type: 'status', status: 529 })
      await call('bob', 'cheap-too')
      for (const tenant of ['bob', 'bob', 'alice']) {
        busy.next({ type: 'status', status: 429 })
        await call(tenant, 'busy', { model: 'claude-haiku-4-5' })
      }
      const sessions = await vi.waitFor(async () => {
        const answer = await get<Sessions>('sessions?range=24h&limit=5')
        expect(answer.rows.reduce((sum, { calls }) => sum + calls, 0)).toBe(7)
        return answer
      }, 15_000)
      const usage = await get<Usage>('usage?by=tenant&range=24h')

      const page = await watchedPage(browser, `${url}/#/sessions?range=24h`)
      const names = await page.locator('tbody tr td:first-child').allTextContents()
      expect(names).toEqual(sessions.rows.map(({ session }) => session))
      expect(names.slice(0, 2)).toEqual(['dearest', 'dear'])

      await page.goto(`${url}/#/calls?range=24h`)
      await page.locator('.facets button', { hasText: 'rate limited' }).click()
      await page.getByText('Tenant', { exact: false }).and(page.locator('summary')).click()
      const tenants = page.locator('.facet', { hasText: /^Tenant/ }).locator('li')
      await vi.waitFor(
        async () => expect(await tenants.locator('.numbers').allTextContents()).toEqual(['2', '1']),
        15_000,
      )
      const culprit = sessions.rows.find(({ session }) => session === 'dearest')?.tenant
      expect(await tenants.first().locator('.facet-value').textContent()).toBe(culprit)

      await page.goto(`${url}/#/latency?by=target&range=1h`)
      const row = page.locator('table', { hasText: 'Latency by target' }).first().locator('tbody tr')
      await row.first().waitFor()
      expect(await row.locator('td:first-child').allTextContents()).toEqual(['busy', 'claude', 'second'])
      // What was refused has no first token.
      const shown = expect.stringMatching(/\d (ms|s)$/)
      expect(await row.locator('td:nth-child(4)').allTextContents()).toEqual(['–', shown, shown])

      await page.goto(`${url}/#/usage?by=tenant&range=30d`)
      const download = page.waitForEvent('download')
      await page.getByRole('link', { name: 'CSV' }).first().click()
      const chunks: Buffer[] = []
      for await (const chunk of await (await download).createReadStream()) chunks.push(chunk as Buffer)
      const [head = '', ...lines] = Buffer.concat(chunks).toString().trim().split('\r\n')
      const columns = head.split(',')
      const cost = lines.map((line) => BigInt(line.split(',')[columns.indexOf('costNano')] ?? ''))
      const store = forThisTest(openLedgerStore(ledger, { readOnly: true }))
      const booked = await store.summary({ from: 0, to: Date.now() + 60_000 })
      expect(lines).toHaveLength(usage.rows.length)
      expect(String(cost.reduce((sum, each) => sum + each, 0n))).toBe(booked.costNano)
      expect(booked.costNano).not.toBe('0')
    })
  },
)

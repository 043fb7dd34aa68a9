// Writes docs/screenshots/*.png from the built dashboard, over an API that always says the same.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { launchBrowser } from './browser.ts'
import { startFixtureServer } from './fixture-server.ts'
import { aTeam, nothingYet } from './fixtures.ts'

const built = fileURLToPath(new URL('../dist', import.meta.url))
const folder =
  process.argv.slice(2).find((each) => !each.startsWith('--')) ??
  fileURLToPath(new URL('../../../docs/screenshots', import.meta.url))
const now = Date.UTC(2026, 10, 23, 14, 30)
/** Claude refused it, and another target answered. */
const rescued = aTeam(now).calls.find(({ fallback, target }) => fallback !== null && target === 'local')?.id
const desktop = { width: 1280, height: 860 }
const phone = { width: 390, height: 844 }

const all = process.argv.includes('--all')
const shots = [
  { name: 'live', hash: 'live', size: desktop },
  { name: 'live-dark', hash: 'live', size: desktop, isDark: true },
  { name: 'latency', hash: 'latency', size: desktop },
  { name: 'usage', hash: 'usage', size: desktop },
  { name: 'health', hash: 'health', size: desktop, isDark: true },
  { name: 'mirror', hash: 'mirror', size: desktop },
  { name: 'budgets', hash: 'budgets', size: desktop },
  { name: 'calls', hash: 'calls?problems=true', size: desktop },
  { name: 'call', hash: `calls/${rescued}`, size: desktop },
  { name: 'phone-call', hash: `calls/${rescued}`, size: phone },
  { name: 'conversations', hash: 'sessions', size: desktop },
  { name: 'latency-compared', hash: 'latency?by=target&compare=before&range=7d', size: desktop },
  { name: 'phone', hash: 'live', size: phone },
  { name: 'empty', hash: 'live', size: desktop, isEmpty: true },
  ...(all
    ? [
        ...['fallbacks', 'keys', 'audit'].map((hash) => ({
          name: hash,
          hash,
          size: desktop,
        })),
        ...['usage', 'health', 'calls', 'audit'].map((hash) => ({
          name: `phone-${hash}`,
          hash,
          size: phone,
        })),
        ...['mirror', 'keys', 'usage'].map((hash) => ({
          name: `empty-${hash}`,
          hash,
          size: desktop,
          isEmpty: true,
        })),
      ]
    : []),
] as const

mkdirSync(folder, { recursive: true })
const server = await startFixtureServer(aTeam(now), built)
const browser = await launchBrowser()
try {
  for (const shot of shots) {
    server.fixture = 'isEmpty' in shot ? nothingYet(now) : aTeam(now)
    const context = await browser.newContext({
      viewport: shot.size,
      colorScheme: 'isDark' in shot ? 'dark' : 'light',
      timezoneId: 'Europe/Berlin',
      locale: 'en-GB',
      reducedMotion: 'reduce',
    })
    const page = await context.newPage()
    await page.clock.setFixedTime(now)
    await page.goto(`${server.url}/#/${shot.hash}`)
    await page.locator('.feed[data-status="live"]').waitFor()
    await page.locator('main .skeleton').first().waitFor({ state: 'detached' })
    if (!('isEmpty' in shot) && shot.hash === 'live') {
      for (let call = 0; call < 60; call++) {
        const next = server.fixture.nextCall(now - (60 - call) * 600)
        if (next !== undefined) server.send(next)
      }
      await page.locator('.shares').nth(1).waitFor()
    }
    await page.screenshot({ path: `${folder}/${shot.name}.png` })
    await context.close()
  }
} finally {
  await browser.close()
  await server.close()
}

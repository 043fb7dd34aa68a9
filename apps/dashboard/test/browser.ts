import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where Chromium is on this machine: `CHROMIUM` in the environment, else the usual places. */
export const chromiumPath: string | undefined = [process.env.CHROMIUM ?? '', ...places].find(
  (path) => path !== '' && existsSync(path),
)

/** Whether to test in a browser; where there is none the tests are left out in words, and under CI they fail. */
export function hasChromium(): boolean {
  if (chromiumPath !== undefined) return true
  if (process.env.CI) throw new Error('Chromium is not installed, and under CI the tests need it')
  console.warn('SKIPPED: the dashboard in a browser; on Debian: apt-get install chromium')
  return false
}

/** A real Chromium without a window; `names` are what it finds on this machine instead of in DNS. */
export function launchBrowser(names: readonly string[] = []): Promise<Browser> {
  const rules = names.map((name) => `MAP ${name} 127.0.0.1`).join(', ')
  return chromium.launch({
    executablePath: chromiumPath ?? 'chromium',
    args: [
      ...['--no-sandbox', '--disable-gpu', '--hide-scrollbars'],
      ...(rules === '' ? [] : [`--host-resolver-rules=${rules}`]),
    ],
  })
}

/** What a page complains about from now on: errors and warnings in its console, and exceptions. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  return complaints
}

/** Resolves when everything that was asked for is there, and has faded in: half-way its contrast is too low. */
export async function settled(page: Page): Promise<void> {
  await page.locator('main h1').waitFor()
  while (!(await page.evaluate(isSettled))) await page.waitForTimeout(20)
}

/** A text, since programs without the types of browsers import this file too. */
const isSettled = `document.querySelector('.skeleton, [aria-busy="true"]') === null &&
  document.getAnimations().every(({ effect }) => effect.getComputedTiming().endTime === Infinity)`

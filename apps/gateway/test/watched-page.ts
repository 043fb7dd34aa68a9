import { expect, onTestFinished } from 'vitest'
import { complaintsOf, type launchBrowser, settled } from '../../dashboard/test/browser.ts'

export type Browser = Awaited<ReturnType<typeof launchBrowser>>
export type Page = Awaited<ReturnType<Browser['newPage']>>

/**
 * A page of the dashboard for this test, which must not complain, and each answer to which must be one.
 * @param script runs before those of each page
 */
export async function watchedPage(browser: Browser, url: string, script?: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce' })
  const complaints = complaintsOf(page)
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`)
  })
  onTestFinished(async () => {
    await page.close()
    expect(complaints).toEqual([])
  })
  if (script !== undefined) await page.addInitScript(script)
  await page.goto(url)
  await settled(page)
  return page
}

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

/** Texts, since programs without the types of browsers import this file too. */
const hasAxe = 'globalThis.axe !== undefined'
/** What passes is not written down, and style sheets are not loaded again: both take longer than the rules. */
const run = `axe.run(document, { resultTypes: ['violations'], preload: false }).then(({ violations }) =>
  violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => id + ': ' +
      nodes.map(({ html, any }) => html.slice(0, 160) + ' ' + JSON.stringify(any[0]?.data ?? null)).join(' | ')))`

/** The serious and critical faults that axe finds in a page. */
export async function faultsOf(page: Page): Promise<readonly string[]> {
  if (!(await page.evaluate(hasAxe))) await page.evaluate(axe)
  return page.evaluate<readonly string[]>(run)
}

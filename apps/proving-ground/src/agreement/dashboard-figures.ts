import { launchBrowser } from '../../../dashboard/test/browser.ts'
import { add, type Figures } from './figures.ts'

/** What a reader sees in Chromium: the exact amounts stand in the titles of the rounded ones. */
export async function dashboardFigures(url: string): Promise<Figures> {
  const figures: Figures = new Map()
  const browser = await launchBrowser()
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    const statOf = async (label: string, part: string): Promise<string> => {
      const stat = page.locator('.stat', { has: page.locator('dt', { hasText: new RegExp(`^${label}$`) }) })
      return (await stat.locator(part).getAttribute('title')) ?? ''
    }
    await page.goto(`${url}/#/live?range=1h`)
    add(figures, 'calls', whole(await statOf('Calls', '.value')))
    for (const by of ['model', 'tenant', 'target', 'role', 'day']) {
      await page.goto(`${url}/#/usage?range=1h&by=${by}`)
      await page.reload()
      const rows = page.locator('table tbody tr')
      await rows.first().waitFor()
      if (by === 'model') {
        add(figures, 'all cost', nano(await statOf('Cost', '.value')))
        add(figures, 'estimated cost', nano(await statOf('Cost', '.detail [title]')))
        add(figures, 'all tokens, cached ones as input: input', whole(await statOf('Input tokens', '.value')))
        add(
          figures,
          'all tokens, cached ones as input: output',
          whole(await statOf('Output tokens', '.value')),
        )
        for (const [label, type] of [
          ['Input tokens', 'input'],
          ['Output tokens', 'output'],
        ] as const)
          add(
            figures,
            `estimated tokens, cached ones as input: ${type}`,
            whole(await statOf(label, '.detail [title]')),
          )
      }
      for (const row of await rows.all()) {
        const titles = await row
          .locator('span[title]')
          .evaluateAll((spans) => spans.map((span) => span.getAttribute('title') ?? ''))
        const cost = titles.find((title) => title.startsWith('$'))
        const key = await row.locator('th, td').first().textContent()
        if (cost === undefined) throw new Error(`the dashboard shows no cost for ${by} ${key}`)
        if (key === 'unknown' || by === 'day') continue
        add(figures, `all cost by ${by}: ${key}`, nano(cost))
      }
    }
    return figures
  } finally {
    await browser.close()
  }
}

const whole = (text: string): bigint => BigInt(text.replaceAll(',', ''))

/** `$1,234.567890123` in nano-dollars. */
function nano(text: string): bigint {
  const found = /^\$([\d,]+)\.(\d{1,9})/.exec(text)
  if (found === null) throw new Error(`expected an amount of money, but got '${text}'`)
  return whole(`${found[1]}${found[2]?.padEnd(9, '0')}`)
}

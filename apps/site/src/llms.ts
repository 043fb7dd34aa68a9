import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { placeOf } from './pages.ts'

/** `llms.txt` with the addresses of pages as Markdown. @param base of the site, with a slash at its end */
export function llmsText(root: string, base: string): string {
  const text = readFileSync(join(root, 'llms.txt'), 'utf8')
  return text.replace(/\]\(([^)]+)\)/g, (_, file: string) => {
    const place = file === 'README.md' ? 'overview.md' : placeOf(file)
    if (place === undefined) throw new Error(`llms.txt: ${file} is no page of the site`)
    return `](${base}${place})`
  })
}

/** Writes `docs/decisions/README.md`: every decision by its number. `--check` fails where it is not up to date. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../docs/decisions/', import.meta.url))

const rows = readdirSync(folder)
  .filter((name) => /^\d{4}-.*\.md$/.test(name))
  .sort()
  .map((name) => {
    const text = readFileSync(`${folder}${name}`, 'utf8')
    const title = /^# (?:\d+\. )?(.*)$/m.exec(text)?.[1]
    const date = /^Date: (\d{4}-\d\d-\d\d)\b/m.exec(text)?.[1]
    const status = /^Status: (.*)$/m.exec(text)?.[1] ?? 'accepted'
    if (title === undefined || date === undefined)
      throw new Error(`docs/decisions/${name}: expected a title ("# …") and a line "Date: YYYY-MM-DD"`)
    return `| [${name.slice(0, 4)}](${name}) | ${title.replaceAll('|', '\\|')} | ${date} | ${status} |`
  })

const text = `# Decisions

What was chosen where a newcomer would ask why, by number. A decision that another one replaces keeps its text and says so in a line \`Status: replaced by NNNN\`.
This page is written by \`pnpm generate decisions\`.

| number | decision | date | status |
| --- | --- | --- | --- |
${rows.join('\n')}
`

const page = `${folder}README.md`
if (!process.argv.includes('--check')) writeFileSync(page, text)
else if (readFileSync(page, 'utf8') !== text) {
  console.error('docs/decisions/README.md is not up to date: run "pnpm generate decisions"')
  process.exitCode = 1
}

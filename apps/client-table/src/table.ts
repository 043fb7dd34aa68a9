import { readFileSync } from 'node:fs'
import { anthropicClients } from './anthropic-clients.ts'
import type { Client } from './client.ts'
import { otherClients } from './other-clients.ts'
import { type Result, tryClient } from './trial.ts'
import { type Trouble, troubles } from './upstream.ts'

/** The ways into one client stand together. */
export const clients: readonly Client[] = [
  ...Map.groupBy([...anthropicClients, ...otherClients], ({ name }) => name).values(),
].flat()

/** What became of a client's calls, whole and streamed, with the policies and without. */
export interface Outcome {
  readonly trouble: Trouble
  readonly covered: readonly [whole: Result, streamed: Result]
  readonly alone: readonly [whole: Result, streamed: Result]
}

/** Tries a client in all troubles at once. */
export function tryAll(client: Client): Promise<Outcome[]> {
  return Promise.all(
    troubles.map(async (trouble) => {
      const both = (covered: boolean): Promise<[Result, Result]> =>
        Promise.all([
          tryClient(client, trouble, { stream: false, covered }),
          tryClient(client, trouble, { stream: true, covered }),
        ])
      const [covered, alone] = await Promise.all([both(true), both(false)])
      return { trouble, covered, alone }
    }),
  )
}

/** The table in Markdown: what a client does in each trouble with the policies, and alone in brackets. */
export function tableOf(rows: readonly (readonly [Client, readonly Outcome[]])[]): string {
  const header = ['client', 'version', 'by', ...troubles, 'note']
  const cells = rows.map(([client, outcomes]) => [
    `\`${client.name}\``,
    versionOf(client.package),
    `\`${client.way}\``,
    ...outcomes.map(({ covered, alone }) => `${inOneWord(covered)} (${inOneWord(alone)})`),
    client.note ?? '',
  ])
  const widths = header.map((name, column) =>
    Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n')
}

const inOneWord = ([whole, streamed]: readonly [Result, Result]): string =>
  whole === streamed ? whole : `whole: ${whole}, streamed: ${streamed}`

function versionOf(name: string): string {
  const path = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

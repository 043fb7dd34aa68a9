import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { clients, type Outcome, tableOf, tryAll } from '../src/table.ts'

const page = new URL('../../../docs/clients.md', import.meta.url)
const between = /(?<=<!-- table -->\n\n).*?(?=\n\n<!-- end of table -->)/s
const outcomes = new Map<(typeof clients)[number], readonly Outcome[]>()

describe.concurrent('each official client', { timeout: 60_000 }, () => {
  it.each(clients.map((client) => [`${client.name} by ${client.way}`, client] as const))(
    'answers through every trouble with the policies, and through none without: %s',
    async (_, client) => {
      const found = await tryAll(client)
      outcomes.set(client, found)
      for (const { trouble, covered, alone } of found) {
        expect([trouble, ...covered]).toEqual([trouble, 'answered', 'answered'])
        expect([trouble, ...alone]).not.toContain('answered')
      }
    },
  )
})

it('has its results in the table of docs/clients.md', () => {
  const text = readFileSync(page, 'utf8')
  const table = tableOf(clients.map((client) => [client, outcomes.get(client) ?? []]))
  if (process.env.UPDATE_TABLE !== undefined) writeFileSync(page, text.replace(between, table))
  else expect(between.exec(text)?.[0], 'run this test with UPDATE_TABLE=1 to write it').toBe(table)
})

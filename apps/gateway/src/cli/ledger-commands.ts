import { join } from 'node:path'
import { type RejectedEntry, readRejected } from '@spillway/ledger'
import { Command } from 'commander'
import { loadConfig } from '../config/load-config.ts'
import { journalOf, storageUrl } from '../ledger/books.ts'
import { configFileOf, noConfigFile } from './config-file.ts'
import { printable } from './printable.ts'

interface RejectedFlags {
  readonly config?: string
  readonly journal?: string
  readonly json?: boolean
}

/** `spillway ledger …` */
export function ledgerCommands(): Command {
  const group = new Command('ledger')
  group.addCommand(
    new Command('rejected')
      .description('rows that the database rejected, and why; no total includes them')
      .option(
        '-c, --config <file>',
        'the configuration file whose storage has the journal (default: spillway.yaml)',
      )
      .option('--journal <folder>', 'or the folder of the journal')
      .option('--json', 'one JSON object a line')
      .showHelpAfterError('(--help says more)')
      .action(showRejected),
  )
  return group
}

async function showRejected(flags: RejectedFlags): Promise<void> {
  try {
    const folder = flags.journal ?? journalFrom(flags.config)
    let count = 0
    for (const [what, place] of [
      ['ledger', folder],
      ['audit', join(folder, 'audit')],
    ] as const) {
      for await (const rejected of readRejected(place)) {
        count++
        console.log(flags.json ? JSON.stringify({ what, ...rejected }) : lineOf(what, rejected))
      }
    }
    if (count === 0 && !flags.json) console.log(`no rows were refused (${printable(folder)})`)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}

function lineOf(what: string, { at, reason, entry }: RejectedEntry): string {
  return `${new Date(at).toISOString()} ${what} ${printable(reason)}\n  ${printable(JSON.stringify(entry))}`
}

function journalFrom(named: string | undefined): string {
  const file = configFileOf(named)
  if (file === undefined) throw new Error(`${noConfigFile}; or say where the rows are with --journal`)
  const { storage } = loadConfig(file).config
  if (storage === undefined)
    throw new Error(`${file} has no storage, so nothing is kept of rows that were refused`)
  const journal = storage.journal ?? journalOf(storageUrl(storage.url))
  if (journal === undefined)
    throw new Error(`storage.url: ${storage.url} has no journal; set storage.journal`)
  return journal
}

import { userInfo } from 'node:os'
import { type AuditMark, exportAudit, type LedgerStore, openLedgerStore, verifyAudit } from '@spillway/ledger'
import { Command, InvalidArgumentError } from 'commander'
import { ConfigError } from '../config/config-error.ts'
import { loadConfig } from '../config/load-config.ts'
import { storageUrl } from '../ledger/books.ts'

interface StorageFlags {
  readonly config?: string
  readonly storage?: string
}

/** `spillway audit …` */
export function auditCommands(): Command {
  const group = new Command('audit').description('the audit log: verify that it is whole, export it')
  group.addCommand(
    auditCommand('verify', 'read the whole log; find rows that were altered, are missing or changed places')
      .option('--head <seq:hash>', 'the last row as it was noted elsewhere, which must still be there', head)
      .addHelpText(
        'after',
        `
Prints the last row as SEQ:HASH. Keep it elsewhere, and pass it as --head the next time: who can write to the
database can make a whole new chain, but not one with that row in it. Exits with 1 when anything is wrong.`,
      )
      .action((flags: StorageFlags & { head?: AuditMark }) =>
        withStore(flags, async (store) => {
          const report = await verifyAudit(store.audit, flags.head)
          for (const { seq, kind } of report.problems) console.log(`row ${seq}: ${kind}`)
          const { length } = report.problems
          console.log(
            `${report.rows} rows, ${length === 0 ? 'whole' : `${length} ${length === 1 ? 'problem' : 'problems'}`}`,
          )
          console.log(`head ${report.head.seq}:${report.head.hash}`)
          if (length > 0) process.exitCode = 1
        }),
      ),
  )
  group.addCommand(
    auditCommand('export', 'print the log as JSON Lines, each row with its place and hashes').action(
      (flags: StorageFlags) =>
        withStore(flags, async (store) => {
          for await (const line of exportAudit(store.audit)) {
            if (!process.stdout.write(line))
              await new Promise((resolve) => process.stdout.once('drain', resolve))
          }
        }),
    ),
  )
  return group
}

function auditCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('-c, --config <file>', 'the configuration file whose storage holds the log')
    .option('--storage <url>', 'or its URL: sqlite:FILE, postgres://…, env:NAME')
    .showHelpAfterError('(--help says more)')
}

async function withStore(
  { config, storage }: StorageFlags,
  work: (store: ReturnType<typeof openLedgerStore>) => Promise<void>,
): Promise<void> {
  try {
    const url = storage ?? (config === undefined ? undefined : loadConfig(config).config.storage?.url)
    if (url === undefined) {
      const where = config === undefined ? 'say where with --config or --storage' : `${config} has no storage`
      throw new ConfigError(config ?? 'audit', [{ line: 1, column: 1, key: 'storage', message: where }])
    }
    const store = openLedgerStore(storageUrl(url))
    try {
      await work(store)
    } finally {
      await store.close()
    }
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}

/** Notes an administrative act in the audit log at SPILLWAY_STORAGE; nothing where that is not set. */
export async function noteAct(action: string, details: { readonly [name: string]: unknown }): Promise<void> {
  const url = process.env.SPILLWAY_STORAGE
  if (!url) return
  let store: LedgerStore | undefined
  try {
    store = openLedgerStore(storageUrl(url), { warn: console.error })
    const actor = `admin:${userInfo().username}`
    await store.audit.append([{ id: crypto.randomUUID(), at: Date.now(), actor, action, details }])
  } catch (error) {
    console.error(
      `the audit log at SPILLWAY_STORAGE did not take the entry of this command: ${(error as Error).message}`,
    )
    process.exitCode = 1
  } finally {
    await store?.close()
  }
}

function head(text: string): AuditMark {
  const found = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text)
  if (found === null) throw new InvalidArgumentError('expected SEQ:HASH, as verify prints it.')
  return { seq: Number(found[1]), hash: found[2] as string }
}

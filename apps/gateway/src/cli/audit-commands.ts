import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type AuditMark, exportAudit, type LedgerStore, openLedgerStore, verifyAudit } from '@spillway/ledger'
import { Command, InvalidArgumentError } from 'commander'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load-config.ts'
import { auditKeysOf } from '../ledger/audit-keys.ts'
import { storageUrl } from '../ledger/books.ts'
import { openConfiguredVault } from '../vault.ts'
import { admin } from './admin.ts'
import { reportLines } from './audit-report.ts'
import { configFileOf, noConfigFile } from './config-file.ts'

interface StorageFlags {
  readonly config?: string
  readonly storage?: string
}

interface KeyFlags extends StorageFlags {
  readonly key?: readonly string[]
}

interface VerifyFlags extends KeyFlags {
  readonly head?: AuditMark
  readonly acceptPruned?: boolean
}

/** `spillway audit …` */
export function auditCommands(): Command {
  const group = new Command('audit')
  group.addCommand(
    withKeys(
      auditCommand(
        'verify',
        'read the whole log; find rows that were altered, are missing or changed places',
      ),
    )
      .option('--head <seq:hash>', 'the last row as it was noted elsewhere, which must still be there', head)
      .option('--accept-pruned', 'accept, on the word of the log, that retention removed the row of --head')
      .addHelpText(
        'after',
        `
Prints the last row as SEQ:HASH. Keep it elsewhere, and pass it as --head the next time: who can write to the
database can make a whole new chain, but not one with that row in it. Note it more often than retention removes rows:
a row that was removed proves nothing any more. Exits with 1 when anything is wrong.

With an audit key (storage.auditKey) rows have a MAC, which cannot be forged without the key: then the log is verified
with it, and shows by itself what was changed. Whoever deletes the whole log can still start a new one: --head shows
that, and the date of the first row.`,
      )
      .action((flags: VerifyFlags) =>
        withStore(flags, { readOnly: true }, async (store, keys) => {
          const report = await verifyAudit(store.audit, { head: flags.head, keys })
          const [first] = await store.audit.read(-1, 1)
          const { lines, isWhole } = reportLines(report, { ...flags, first })
          for (const line of lines) console.log(line)
          if (!isWhole) process.exitCode = 1
        }),
      ),
  )
  group.addCommand(
    auditCommand('export', 'print the log as JSON Lines, each row with its place, hashes and MAC').action(
      (flags: StorageFlags) =>
        withStore({ ...flags, key: [] }, { readOnly: true }, async (store) => {
          await pipeline(Readable.from(exportAudit(store.audit)), process.stdout, { end: false }).catch(
            (error: NodeJS.ErrnoException) => {
              // Whoever read it has enough.
              if (error.code !== 'EPIPE') throw error
            },
          )
        }),
    ),
  )
  group.addCommand(
    withKeys(auditCommand('sign', 'adopt a key after rows that it has not signed'))
      .requiredOption('--head <seq:hash>', 'the last row, as verify prints it', head)
      .addHelpText(
        'after',
        `
A gateway never does this by itself: whoever deletes the log and leaves a row without a MAC would get it signed.
Do it once
  - when a log that has no key yet gets one (storage.auditKey);
  - when a key is lost (while it is there, name it behind the new one: storage.auditKey: [vault:new, vault:old]);
  - when the end of the log was changed, and you know why: what verify finds stays to be seen.
An entry audit.signed says who did it, and behind which row.`,
      )
      .action((flags: KeyFlags & { head: AuditMark }) =>
        withStore(flags, { readOnly: false }, async (store, keys) => {
          if (keys === undefined)
            throw new Error('give the key: --key env:NAME, or storage.auditKey in --config')
          const { seq, hash } = flags.head
          await store.audit.adopt(flags.head, { id: crypto.randomUUID(), at: Date.now(), actor: admin() })
          console.log(`signed behind row ${seq}:${hash}`)
        }),
      ),
  )
  return group
}

function auditCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option(
      '-c, --config <file>',
      'the configuration file whose storage holds the log (default: spillway.yaml)',
    )
    .option('--storage <url>', 'or its URL: sqlite:FILE, postgres://…, env:NAME')
    .showHelpAfterError('(--help says more)')
}

function withKeys(command: Command): Command {
  return command.option(
    '--key <reference>',
    'its key: env:NAME, or vault:NAME with --config; again for those before it (default: storage.auditKey)',
    (reference: string, others: readonly string[] = []) => [...others, reference],
  )
}

const noLog = `${noConfigFile}; or say where the log is with --storage`

async function withStore(
  { config: named, storage, key }: KeyFlags,
  { readOnly }: { readonly readOnly: boolean },
  work: (store: LedgerStore, keys: readonly string[] | undefined) => Promise<void>,
): Promise<void> {
  let store: LedgerStore | undefined
  try {
    const file = storage === undefined ? configFileOf(named) : named
    const config = file === undefined ? undefined : loadConfig(file).config
    const url = storage ?? config?.storage?.url
    if (url === undefined) throw new Error(file === undefined ? noLog : `${file} has no storage`)
    const keys = await keysOf(key ?? config?.storage?.auditKey, config, key === undefined)
    if (!readOnly) await mustBeThere(storageUrl(url))
    store = openLedgerStore(storageUrl(url), { readOnly, auditKey: keys, warn: console.error })
    await work(store, keys)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  } finally {
    await store?.close()
  }
}

/** Opening it to write would make it. */
async function mustBeThere(url: string): Promise<void> {
  const store = openLedgerStore(url, { readOnly: true })
  try {
    await store.audit.head()
  } finally {
    await store.close()
  }
}

async function keysOf(
  references: string | readonly string[] | undefined,
  config: Config | undefined,
  isConfigured: boolean,
): Promise<readonly string[] | undefined> {
  const list = [references ?? []].flat()
  if (list.length === 0) return undefined
  for (const reference of list) {
    if (!/^(env|vault):./.test(reference))
      throw new Error('--key: expected env:NAME or vault:NAME, never a key itself')
    if (reference.startsWith('vault:') && config?.vault === undefined)
      throw new Error(
        `--key: ${reference} needs to know the vault: give --config with a vault, or use env:NAME`,
      )
  }
  const vault = config?.vault && openConfiguredVault(config.vault)
  try {
    return await auditKeysOf(list, vault, isConfigured ? 'storage.auditKey' : '--key')
  } finally {
    await vault?.close()
  }
}

function head(text: string): AuditMark {
  const found = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text)
  if (found === null) throw new InvalidArgumentError('expected SEQ:HASH, as verify prints it.')
  return { seq: Number(found[1]), hash: found[2] as string }
}

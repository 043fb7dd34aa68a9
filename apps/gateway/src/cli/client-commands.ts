import { Command } from 'commander'
import { inheriting } from '../budgets/stored-rules.ts'
import { added, changed, found, revoked, rotated, signedOut } from '../clients/client-changes.ts'
import type { ClientDocument, StoredLimit } from '../clients/client-document.ts'
import { type ClientHash, fingerprintOf, hashedWith } from '../clients/client-hash.ts'
import { newClientKey, prefixOf } from '../clients/client-key.ts'
import type { ClientStore } from '../clients/client-store.ts'
import { openClientHash, openClientStore } from '../clients/open-clients.ts'
import { permissions, setDescriptions, usualPermissions } from '../clients/permissions.ts'
import type { Config } from '../config/config.ts'
import { defaultStateFolder } from '../fingerprints/key-file.ts'
import type { Priority } from '../shedding/priority.ts'
import {
  clientName,
  expiry,
  globs,
  list,
  overlap,
  priority,
  signedInName,
  targets,
  team,
  tokens,
} from './client-arguments.ts'
import { clientTable, describeClient, shownClient } from './client-table.ts'
import { configFileOf, usualFile } from './config-file.ts'
import { type LimitChange, limitChanges, withLimits } from './limit-arguments.ts'
import { readLimitUsage, shortLimit } from './limit-usage.ts'
import { noteAct } from './note-act.ts'
import { reporting } from './vault-files.ts'

interface Flags {
  readonly config?: string
  readonly json?: boolean
}

interface SettingFlags extends Flags {
  readonly team?: string
  readonly permissions?: readonly string[]
  readonly models?: readonly string[]
  readonly targets?: readonly string[]
  readonly maxTokens?: number
  readonly expires?: number
  readonly priority?: Priority
  readonly limit?: readonly LimitChange[]
}

/** `spillway clients …` */
export function clientCommands(): Command {
  const group = new Command('clients').addHelpText('after', `\nPermissions:\n${permissionHelp()}`)
  group.addCommand(
    withSettings(clientCommand('add', 'add a client, and print its key alone, once'))
      .argument('<name>', 'the name under which its calls are recorded, limited and logged', clientName)
      .action((name: string, flags: SettingFlags) =>
        withClients(flags, async ({ store, hash, config, file }) => {
          const key = newClientKey()
          const { permissions: given = usualPermissions, expires, ...settings } = settingsOf(flags)
          const now = Date.now()
          const limits = flags.limit && withLimits(undefined, flags.limit, now)
          const expiresAt = expires === undefined || expires === Infinity ? undefined : now + expires
          await store.update((before) =>
            added(
              hashedWith(before, hash, store.name),
              name,
              { ...settings, permissions: given, expiresAt, ...(limits && { limits }) },
              { hash: hash.of(key), prefix: prefixOf(key) },
              now,
            ),
          )
          handOver(name, key, hash, `added to ${store.name}`)
          if (config !== undefined && config.server.auth !== 'keys')
            console.error(`${file} has server.auth: none, so no key is asked for: set auth: keys`)
          await noteAct('client.added', { subject: name, fingerprint: fingerprintOf(hash.of(key)) })
        }),
      ),
  )
  group.addCommand(
    clientCommand('list', 'list clients; never a key')
      .option('--json', 'print them as JSON')
      .action((flags: Flags) =>
        withStore(flags, async (store, config) => {
          const { clients, eachClient = [] } = await store.load()
          const now = Date.now()
          const usage = await readLimitUsage(config, now)
          if (flags.json)
            return printJson(
              Object.entries(clients).map(([name, each]) => shownClient(name, each, now, usage)),
            )
          for (const line of clientTable(clients, now, usage)) console.log(line)
          const each = [...inheriting<StoredLimit>(eachClient, config?.budgets?.eachClient ?? [])]
          if (each.length > 0)
            console.log(
              `each client without its own: ${each.map((one) => shortLimit(one, undefined)).join(', ')}`,
            )
        }),
      ),
  )
  group.addCommand(
    clientCommand('show', 'show a client; never its key')
      .argument('<name>', 'the client', clientName)
      .option('--json', 'print it as JSON')
      .action((name: string, flags: Flags) =>
        withStore(flags, async (store, config) => showOne(await store.load(), name, flags, config)),
      ),
  )
  group.addCommand(
    withSettings(clientCommand('set', 'change what a client may do; "*", any, never and none lift a limit'))
      .argument('<name>', 'the client', clientName)
      .option('--json', 'print the client as JSON')
      .action((name: string, flags: SettingFlags) =>
        withStore(flags, async (store, config) => {
          const { expires, ...settings } = settingsOf(flags)
          const { limit } = flags
          const now = Date.now()
          const expiresAt = expires === Infinity ? undefined : now + (expires ?? 0)
          const next = { ...settings, ...(expires !== undefined && { expiresAt }) }
          const names = [...Object.keys(next), ...(limit === undefined ? [] : ['limits'])]
          if (names.length === 0)
            return fail(
              'nothing to set: give --team, --permissions, --models, --targets, --max-tokens, --priority, --expires or --limit',
            )
          const document = await store.update((before) =>
            changed(before, name, {
              ...next,
              ...(limit && { limits: withLimits(found(before, name).limits, limit, now) }),
            }),
          )
          await showOne(document, name, flags, config)
          await noteAct('client.changed', { subject: name, changed: names.join(', ') })
        }),
      ),
  )
  group.addCommand(
    clientCommand('rotate', 'give a client a new key, and print it alone, once')
      .argument('<name>', 'the client', clientName)
      .option(
        '--overlap <time>',
        'how long its old key stays valid; 0s ends it at once',
        overlap,
        24 * 3_600_000,
      )
      .action((name: string, flags: Flags & { readonly overlap: number }) =>
        withClients(flags, async ({ store, hash }) => {
          const key = newClientKey()
          const now = Date.now()
          const next = { hash: hash.of(key), prefix: prefixOf(key) }
          await store.update((before) =>
            rotated(hashedWith(before, hash, store.name), name, next, { overlap: flags.overlap, now }),
          )
          const ends = new Date(now + flags.overlap).toISOString()
          handOver(name, key, hash, flags.overlap === 0 ? 'is the only one' : `; the old one ends ${ends}`)
          await noteAct('client.rotated', { subject: name, fingerprint: fingerprintOf(next.hash) })
        }),
      ),
  )
  group.addCommand(
    clientCommand('revoke', 'refuse all keys of a client from now on, for good; calls in flight end')
      .argument('<name>', 'the client', clientName)
      .action((name: string, flags: Flags) =>
        withStore(flags, async (store) => {
          await store.update((before) => revoked(before, name, Date.now()))
          console.log(`${name} is revoked; running gateways refuse it within a second`)
          await noteAct('client.revoked', { subject: name })
        }),
      ),
  )
  group.addCommand(
    clientCommand(
      'sign-out',
      'end all sessions of a person or service of server.oidc, and refuse its tokens from before now',
    )
      .argument(
        '<name>',
        'the name that their calls are recorded under, such as alice@example.com or oidc:ci',
        signedInName,
      )
      .action((name: string, flags: Flags) =>
        withStore(flags, async (store) => {
          await store.update((before) => signedOut(before, name, Date.now()))
          console.log(
            `${name} is signed out; running gateways refuse what it has signed in to within a second. It can sign in again: to prevent that, remove it from its groups at the identity provider`,
          )
          await noteAct('client.signed-out', { subject: name })
        }),
      ),
  )
  return group
}

function clientCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option(
      '-c, --config <file>',
      `the configuration of the gateway (default: ${usualFile} where there is one)`,
    )
    .showHelpAfterError('(--help says more)')
}

function withSettings(command: Command): Command {
  return command
    .option('--team <team>', 'the team that it belongs to', team)
    .option('--permissions <list>', `what it may do (default: ${usualPermissions.join(',')})`, list)
    .option('--models <globs>', 'the models that it may use, such as "claude-haiku-*" (default: all)', globs)
    .option('--targets <globs>', 'the targets that may serve it, fallbacks too (default: all)', targets)
    .option('--max-tokens <number>', 'the largest max_tokens of a call (default: no limit)', tokens)
    .option(
      '--priority <priority>',
      'how important its calls are: interactive, batch, or 0 (goes first) to 9 (goes last, shed first) (default: interactive)',
      priority,
    )
    .option('--expires <time>', 'when its keys expire, such as 90d, or never (default: never)', expiry)
    .option(
      '--limit <limit>',
      'what it may use, such as usd=50/month, tokens=2M/day or requests=100/minute,soft; again for others; none',
      limitChanges,
    )
}

/** Those that the command line names. */
function settingsOf(flags: SettingFlags) {
  const { team: named, permissions: given, models, targets: reached, maxTokens, expires } = flags
  const { priority: rank } = flags
  return {
    ...(named !== undefined && { team: named === '' ? undefined : named }),
    ...(given !== undefined && { permissions: given }),
    ...(models !== undefined && { models: models.includes('*') ? undefined : models }),
    ...(reached !== undefined && { targets: reached.includes('*') ? undefined : reached }),
    ...(maxTokens !== undefined && { maxTokens: maxTokens === Infinity ? undefined : maxTokens }),
    ...(rank !== undefined && { priority: rank === 'interactive' ? undefined : rank }),
    ...(expires !== undefined && { expires }),
  }
}

interface OpenClients {
  readonly store: ClientStore
  readonly hash: ClientHash
  readonly config: Config | undefined
  readonly file: string | undefined
}

const withStore = (
  flags: Flags,
  work: (store: ClientStore, config: Config | undefined) => Promise<void> | void,
): Promise<void> =>
  reporting(async () => {
    const { config } = await configOf(flags)
    const store = openClientStore(config)
    try {
      await work(store, config)
    } finally {
      await store.close()
    }
  })

/** With what keys are hashed with, too. */
function withClients(flags: Flags, work: (open: OpenClients) => Promise<void>): Promise<void> {
  return reporting(async () => {
    const { config, file } = await configOf(flags)
    const configured = config?.server.fingerprintKey
    const { openConfiguredVault } = await import('../vault.ts')
    const vault =
      configured?.startsWith('vault:') && config?.vault ? openConfiguredVault(config.vault) : undefined
    try {
      const stateFolder = defaultStateFolder()
      const hash = await openClientHash({ configured, vault, stateFolder, log: console.error }).catch(
        (error: Error) => {
          throw Object.assign(error, { isForPeople: true })
        },
      )
      const store = openClientStore(config)
      try {
        await work({ store, hash, config, file })
      } finally {
        await store.close()
      }
    } finally {
      await vault?.close()
    }
  })
}

async function configOf({ config: named }: Flags): Promise<{ config?: Config; file?: string }> {
  const file = configFileOf(named)
  if (file === undefined) return {}
  const { loadConfig } = await import('../config/load-config.ts')
  return { config: loadConfig(file).config, file }
}

function handOver(name: string, key: string, hash: ClientHash, what: string): void {
  console.log(key)
  console.error(
    `the key of ${name} (${prefixOf(key)}…, ${fingerprintOf(hash.of(key))}) ${what}. It is shown this once`,
  )
}

async function showOne(
  document: ClientDocument,
  name: string,
  { json }: Flags,
  config: Config | undefined,
): Promise<void> {
  const client = found(document, name)
  const now = Date.now()
  const usage = await readLimitUsage(config, now)
  if (json) printJson(shownClient(name, client, now, usage))
  else console.log(describeClient(name, client, now, usage))
}

const printJson = (value: object): void => console.log(JSON.stringify(value, null, 2))

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}

function permissionHelp(): string {
  return [...Object.entries(setDescriptions), ...Object.entries(permissions)]
    .map(([name = '', text]) => `  ${name.padEnd(17)} ${text}`)
    .join('\n')
}

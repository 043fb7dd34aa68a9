import { Command } from 'commander'
import { teamChanged } from '../clients/client-changes.ts'
import type { ClientDocument, StoredLimit } from '../clients/client-document.ts'
import type { ClientStore } from '../clients/client-store.ts'
import { openClientStore } from '../clients/open-clients.ts'
import type { Config } from '../config/config.ts'
import { team as teamName } from './client-arguments.ts'
import { configFileOf, usualFile } from './config-file.ts'
import { type LimitChange, limitChanges, withLimits } from './limit-arguments.ts'
import { type LimitUsage, limitLine, readLimitUsage, shortLimit, shownLimit } from './limit-usage.ts'
import { noteAct } from './note-act.ts'
import { tableLines } from './table.ts'
import { reporting } from './vault-files.ts'

interface Flags {
  readonly config?: string
  readonly json?: boolean
}

interface SettingFlags extends Flags {
  readonly limit?: readonly LimitChange[]
  readonly eachMember?: readonly LimitChange[]
}

/** `spillway teams …` */
export function teamCommands(): Command {
  const group = new Command('teams').addHelpText(
    'after',
    `
A team is who names it: spillway clients set NAME --team TEAM.
  spillway teams set search --limit usd=500/month --each-member usd=50/month`,
  )
  group.addCommand(
    teamCommand('list', 'list teams, their clients and their limits').action((flags: Flags) =>
      withTeams(flags, ({ document, usage, now }) => {
        const teams = teamsOf(document).map((name) => viewOf(name, document))
        if (flags.json) return printJson(teams.map((team) => shownTeam(team, usage, now)))
        const rows = teams.map(({ name, clients, limits, eachMember }) => [
          name,
          String(clients.length),
          limits.map((each) => shortLimit(each, usage.of(clients, each.unit, each.period))).join(', ') ||
            'none',
          eachMember.map((each) => shortLimit(each, undefined)).join(', ') || '-',
        ])
        for (const line of tableLines([['TEAM', 'CLIENTS', 'LIMITS', 'EACH MEMBER'], ...rows]))
          console.log(line)
      }),
    ),
  )
  group.addCommand(
    teamCommand('show', 'show a team, and what is left of its limits')
      .argument('<name>', 'the team', teamName)
      .action((name: string, flags: Flags) =>
        withTeams(flags, ({ document, usage, now }) => showOne(viewOf(name, document), usage, now, flags)),
      ),
  )
  group.addCommand(
    teamCommand('set', 'set what a team may use; a limit replaces that of its kind')
      .argument('<name>', 'the team', teamName)
      .option('--limit <limit>', 'for all of its clients together, such as usd=500/month', limitChanges)
      .option(
        '--each-member <limit>',
        'for each of its clients without its own limit of that kind',
        limitChanges,
      )
      .action((name: string, flags: SettingFlags) =>
        withTeams(flags, async ({ store, usage, now }) => {
          const { limit, eachMember } = flags
          if (limit === undefined && eachMember === undefined) {
            console.error('nothing to set: give --limit or --each-member')
            process.exitCode = 1
            return
          }
          const document = await store.update((before) =>
            teamChanged(before, name, (team) => ({
              ...team,
              ...(limit && { limits: withLimits(team.limits, limit, now) }),
              ...(eachMember && { eachMember: withLimits(team.eachMember, eachMember, now) }),
            })),
          )
          showOne(viewOf(name, document), usage, now, flags)
          await noteAct('team.changed', { subject: name })
        }),
      ),
  )
  return group
}

function teamCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option(
      '-c, --config <file>',
      `the configuration of the gateway (default: ${usualFile} where there is one)`,
    )
    .option('--json', 'print it as JSON')
    .showHelpAfterError('(--help says more)')
}

interface Teams {
  readonly store: ClientStore
  readonly document: ClientDocument
  readonly usage: LimitUsage
  readonly now: number
}

const withTeams = (flags: Flags, work: (teams: Teams) => Promise<void> | void): Promise<void> =>
  reporting(async () => {
    const file = configFileOf(flags.config)
    const config: Config | undefined =
      file === undefined ? undefined : (await import('../config/load-config.ts')).loadConfig(file).config
    const store = openClientStore(config)
    const now = Date.now()
    try {
      const [document, usage] = await Promise.all([store.load(), readLimitUsage(config, now)])
      await work({ store, document, usage, now })
    } finally {
      await store.close()
    }
  })

interface TeamView {
  readonly name: string
  /** Those that are not revoked. */
  readonly clients: readonly string[]
  readonly limits: readonly StoredLimit[]
  readonly eachMember: readonly StoredLimit[]
}

/** Those of which something is set, and those that clients name. */
function teamsOf({ teams = {}, clients }: ClientDocument): readonly string[] {
  const named = Object.values(clients).flatMap(({ team, revokedAt }) =>
    team === undefined || revokedAt !== undefined ? [] : [team],
  )
  return [...new Set([...Object.keys(teams), ...named])].toSorted()
}

function viewOf(name: string, { teams = {}, clients }: ClientDocument): TeamView {
  const { limits = [], eachMember = [] } = Object.hasOwn(teams, name) ? (teams[name] ?? {}) : {}
  const members = Object.entries(clients).flatMap(([client, { team, revokedAt }]) =>
    team === name && revokedAt === undefined ? [client] : [],
  )
  return { name, clients: members, limits, eachMember }
}

function showOne(team: TeamView, usage: LimitUsage, now: number, { json }: Flags): void {
  if (json) return printJson(shownTeam(team, usage, now))
  const { name, clients, limits, eachMember } = team
  const rows: (readonly [string, string])[] = [
    ['name', name],
    ['clients', clients.join(', ') || 'none'],
    ...limits.map(
      (each) => ['limit', limitLine(each, usage.of(clients, each.unit, each.period), now)] as const,
    ),
    ...eachMember.map((each) => ['each member', limitLine(each, undefined, now)] as const),
  ]
  console.log(rows.map(([title, value]) => `${title.padEnd(12)} ${value}`).join('\n'))
}

const shownTeam = (
  { name, clients, limits, eachMember }: TeamView,
  usage: LimitUsage,
  now: number,
): object => ({
  ...{ name, clients },
  limits: limits.map((each) => shownLimit(each, usage.of(clients, each.unit, each.period), now)),
  eachMember: eachMember.map((each) => shownLimit(each, undefined, now)),
})

const printJson = (value: object): void => console.log(JSON.stringify(value, null, 2))

import { spawn } from 'node:child_process'
import { Command, Option } from 'commander'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load-config.ts'
import { askGateway } from './ask-gateway.ts'
import { claudeCodeSettings, type Setting, shellText } from './client-lines.ts'
import { configFileOf, noConfigFile } from './config-file.ts'
import { loginCodeFor, operatorHeaders } from './operator-credential.ts'
import { printable } from './printable.ts'
import { reporting } from './vault-files.ts'
import { type VenueMode, venueOption } from './venue-settings.ts'

interface Where {
  readonly config?: string
  readonly url?: string
  readonly venue?: VenueMode
}

function gatewayCommand(name: string): Command {
  return new Command(name)
    .option('-c, --config <file>', 'the configuration that it runs with (default: spillway.yaml)')
    .option('--url <url>', "its address (default: the configuration's)")
}

/** `spillway status` */
export function statusCommand(): Command {
  return gatewayCommand('status')
    .option('--json', 'print it as JSON')
    .action((where: Where & { readonly json?: boolean }) =>
      reporting(async () => {
        const config = where.url === undefined ? configOf(where) : undefined
        const url = where.url?.replace(/\/+$/, '') ?? addressOf(config as Config)
        const tls = config?.server.tls
        const ready = await askGateway(url, '/readyz', tls)
        const headers = ready === undefined ? {} : await operatorHeaders(url, config)
        const view = await askGateway(url, '/api/targets', tls, { headers })
        // The session of this command, which nothing else needs.
        if (headers.cookie !== undefined)
          await askGateway(url, '/api/logout', tls, { method: 'POST', headers })
        process.exitCode = ready?.ok ? 0 : 1
        const shown = view?.ok ? view.body : undefined
        if (where.json)
          return console.log(JSON.stringify({ url, ready: ready?.body ?? null, ...shown }, null, 2))
        if (ready === undefined)
          return console.error(`no gateway answers at ${url}: start it with "spillway start"`)
        const facts = Object.entries(ready.body).map(([key, value]) => `${key}: ${String(value)}`)
        console.log(printable(`${url}  ${facts.join(', ')}`))
        for (const line of targetLines(shown as TargetsView | undefined)) console.log(printable(line))
        if (shown === undefined)
          console.error('its targets are shown to operators: set SPILLWAY_KEY to a key with admin:read')
      }),
    )
}

interface TargetsView {
  readonly targets?: readonly {
    readonly name: string
    readonly api: string
    readonly endpoints: readonly {
      readonly name: string
      readonly circuits: readonly { readonly state: string; readonly key?: string }[]
    }[]
  }[]
}

function targetLines({ targets = [] }: TargetsView = {}): string[] {
  return targets.flatMap(({ name, api, endpoints }) =>
    endpoints.map(({ name: endpoint, circuits }) => {
      const states = circuits.filter(({ state }) => state !== 'closed').map(({ state }) => state)
      const circuit = states.length === 0 ? 'circuit closed' : `circuit ${[...new Set(states)].join(', ')}`
      return `  ${`${name}/${endpoint}`.padEnd(22)} ${api.padEnd(10)} ${circuit}`
    }),
  )
}

/** `spillway dashboard` */
export function dashboardCommand(): Command {
  return gatewayCommand('dashboard')
    .addHelpText(
      'after',
      `
With auth: keys (or admin: login) the link logs in, once, within two minutes, as the user of this machine.`,
    )
    .action((where: Where) =>
      reporting(async () => {
        const config = configOf(where)
        const url = urlOf(where, config)
        const code = await loginCodeFor(config)
        console.log(code === undefined ? `${url}/` : `${url}/#/login?code=${code}`)
        const tls = where.url === undefined ? config.server.tls : undefined
        if ((await askGateway(url, '/healthz', tls)) === undefined) {
          console.error(`no gateway answers at ${url}: start it with "spillway start", and ask again`)
          process.exitCode = 1
        }
      }),
    )
}

/** `spillway env` */
export function envCommand(): Command {
  return gatewayCommand('env')
    .addOption(
      new Option('--shell <name>', 'whose words').choices(['sh', 'fish', 'powershell']).default('sh'),
    )
    .addOption(venueOption())
    .option('--json', 'print them as JSON')
    .addHelpText(
      'after',
      `
Examples:
  eval "$(spillway env)"
  eval "$(spillway env --venue bedrock)"    for Claude Code in Bedrock mode; likewise mantle, vertex and foundry`,
    )
    .action((where: Where & { readonly shell: string; readonly json?: boolean }) =>
      reporting(async () => {
        const settings = settingsOf(where)
        if (where.json) return console.log(JSON.stringify(valuesOf(settings), null, 2))
        for (const { name, value, variable } of settings) {
          const text = variable === undefined ? shellText(value ?? '') : `"$${variable}"`
          if (where.shell === 'fish') console.log(`set -gx ${name} ${text}`)
          else if (where.shell === 'powershell')
            console.log(
              `$env:${name} = ${variable === undefined ? `'${(value ?? '').replaceAll("'", "''")}'` : `$env:${variable}`}`,
            )
          else console.log(`export ${name}=${text}`)
        }
      }),
    )
}

/** `spillway code [args…]` */
export function codeCommand(): Command {
  return gatewayCommand('code')
    .addOption(venueOption())
    .argument('[args...]', 'passed on to Claude Code')
    .passThroughOptions()
    .allowUnknownOption()
    .action((args: readonly string[], where: Where) =>
      reporting(async () => {
        const settings = settingsOf(where)
        const config = configOf(where)
        const url = urlOf(where, config)
        const tls = where.url === undefined ? config.server.tls : undefined
        if ((await askGateway(url, '/healthz', tls)) === undefined) {
          console.error(`no gateway answers at ${url}: run "spillway start" in another terminal first`)
          process.exitCode = 1
          return
        }
        process.exitCode = await runClaude(args, valuesOf(settings))
      }),
    )
}

function runClaude(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  // Ctrl-C is for Claude Code, which has the same terminal.
  process.on('SIGINT', () => {})
  const inherited = { ...process.env }
  // Claude Code warns of two kinds of credentials, and a key that is the gateway's is not needed here.
  if (env.ANTHROPIC_AUTH_TOKEN !== undefined) delete inherited.ANTHROPIC_API_KEY
  const child = spawn('claude', args, { stdio: 'inherit', env: { ...inherited, ...env } })
  return new Promise((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'npm install -g @anthropic-ai/claude-code' : error.code
      console.error(`Claude Code could not be started: ${why}`)
      resolve(1)
    })
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

function configOf({ config: named }: Where): Config {
  const file = configFileOf(named)
  if (file === undefined) throw new NoConfig(noConfigFile)
  return loadConfig(file).config
}

function settingsOf(where: Where): readonly Setting[] {
  const config = configOf(where)
  return claudeCodeSettings(config, urlOf(where, config), where.venue)
}

const urlOf = ({ url }: Where, config: Config): string => url?.replace(/\/+$/, '') ?? addressOf(config)

const valuesOf = (settings: readonly Setting[]): Record<string, string> =>
  Object.fromEntries(
    settings.map(({ name, value, variable }) => [name, value ?? process.env[variable ?? ''] ?? '']),
  )

function addressOf({ server: { host, port, tls } }: Config): string {
  if (port === 0)
    throw new NoConfig('server.port is 0, so its address is not in the configuration: give --url')
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `${tls === undefined ? 'http' : 'https'}://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${port}`
}

/** Nothing says which gateway is meant. */
class NoConfig extends Error {
  readonly isForPeople = true
}

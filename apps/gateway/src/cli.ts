import { Command, InvalidArgumentError } from 'commander'
import type { CheckOptions } from './cli/check.ts'
import { keyInArguments } from './cli/read-secret.ts'
import type { StartOptions } from './cli/start.ts'
import { ConfigError } from './config/config-error.ts'
import { ownManifest } from './own-manifest.ts'

/**
 * Commands with modules and packages that no other command needs: those of the one that is asked for are loaded, which halves
 * the time that a command takes.
 */
const groups: Readonly<Record<string, { description: string; load: () => Promise<Command> }>> = {
  init: {
    description: 'ask a few questions, and write a configuration',
    load: async () => (await import('./cli/init.ts')).initCommand(),
  },
  doctor: {
    description: 'test everything that the configuration names, and say how to fix what fails',
    load: async () => (await import('./cli/doctor.ts')).doctorCommand(),
  },
  status: {
    description: 'status of a running gateway',
    load: async () => (await import('./cli/running-gateway.ts')).statusCommand(),
  },
  dashboard: {
    description: 'URL of the dashboard, with a one-time code where login is required',
    load: async () => (await import('./cli/running-gateway.ts')).dashboardCommand(),
  },
  env: {
    description: 'environment variables that point Claude Code and the SDKs at the gateway, for a shell',
    load: async () => (await import('./cli/running-gateway.ts')).envCommand(),
  },
  code: {
    description: 'start Claude Code through the gateway',
    load: async () => (await import('./cli/running-gateway.ts')).codeCommand(),
  },
  link: {
    description: 'store a key, verify it with a call, and write its target into the configuration',
    load: async () => (await import('./cli/link.ts')).linkCommand(),
  },
  keys: {
    description: 'the keys in a vault: list, add, rotate, promote, revoke, export',
    load: async () => (await import('./cli/key-commands.ts')).keyCommands(),
  },
  clients: {
    description: 'clients of the gateway (server.auth: keys): add, list, show, set, rotate, revoke',
    load: async () => (await import('./cli/client-commands.ts')).clientCommands(),
  },
  teams: {
    description: 'limits of teams of clients, and of each member: list, show, set',
    load: async () => (await import('./cli/team-commands.ts')).teamCommands(),
  },
  vault: {
    description: 'create a vault, rekey it, examine it',
    load: async () => (await import('./cli/vault-commands.ts')).vaultCommands(),
  },
  ledger: {
    description: 'rows rejected by the database of the ledger',
    load: async () => (await import('./cli/ledger-commands.ts')).ledgerCommands(),
  },
  audit: {
    description: 'the audit log: verify that it is whole, export it, sign it',
    load: async () => (await import('./cli/audit-commands.ts')).auditCommands(),
  },
  alerts: {
    description: 'receivers of alerts: send a sample',
    load: async () => (await import('./cli/alert-commands.ts')).alertCommands(),
  },
  local: {
    description: 'llama.cpp for models inside the gateway: install it',
    load: async () => (await import('./cli/local-commands.ts')).localCommands(),
  },
  completion: {
    description: 'a script that completes commands and options in bash, zsh or fish',
    load: async () => (await import('./cli/completion.ts')).completionCommand(commandTree),
  },
}

/** Runs the command line; sets `process.exitCode`. */
export async function run(argv: readonly string[]): Promise<void> {
  // As a primary starts it; it is in no list of commands.
  if (argv[2] === 'worker' && process.connected) {
    // The terminal and service managers send theirs to all processes of a gateway, where it is the primary that decides.
    for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
    return (await import('./cli/start.ts')).runWorker()
  }
  const asked = argv[2] === 'help' ? argv[3] : argv[2]
  const program = await programOf((name) => name === asked)
  // A running gateway has its own writers.
  if (asked !== 'start') leaveReadersInPeace()
  const problem = keyInArguments(argv)
  if (problem !== undefined) {
    console.error(problem)
    process.exitCode = 1
    return
  }
  try {
    await program.parseAsync(argv)
  } catch (error) {
    // Of a file that no command has named.
    if (!(error instanceof ConfigError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

/** All commands with their options and commands: for completion, and for the reference of the command line. */
export const commandTree = (): Promise<Command> => programOf(() => true)

/** The commands; those that `isLoaded` names come with their options and subcommands. */
async function programOf(isLoaded: (name: string) => boolean): Promise<Command> {
  const program = new Command('spillway')
    .description('A gateway that keeps answering when Claude is slow, limited or down.')
    .version(ownManifest().version)
    .showHelpAfterError('(spillway --help says more)')
    .enablePositionalOptions()

  program
    .command('start')
    .description(
      'serve until SIGTERM; without a configuration and without a key in the environment, run the demo',
    )
    .option('-c, --config <file>', 'the configuration file (default: spillway.yaml where there is one)')
    .option('-p, --port <port>', 'listen here instead of server.port; 0 picks a free port', port)
    .option('--host <host>', 'bind to this address instead of server.host')
    .option('--exposed', 'allow other machines to reach it; the same as server.exposed: true')
    .option('--demo', 'run the demo even if the environment has credentials')
    .option('-q, --quiet', 'print only the address and problems')
    .addHelpText(
      'after',
      `
Examples:
  spillway start                       with spillway.yaml, else with the keys in the environment, else the demo
  spillway start --demo                the demo: a simulated Claude in trouble, a real local model
  spillway start --config other.yaml   another set-up

It prints where the dashboard is, and what to paste for Claude Code, Codex, curl and the SDKs.

Signals:
  SIGHUP                    reads the configuration again, as a change of its file does; ends it where its terminal has closed
  SIGTERM, SIGINT           no new calls; those in flight end (30 s at most), then everything closes (5 s at most each)
  again SIGTERM or SIGINT   stop at once
  SIGUSR2                   with server.workers, replaces all workers one after another; no call is lost

Exit codes:
  0    stopped by a signal
  1    not started: the command line or the configuration is wrong, or the port is taken
  70   an error that nothing has caught; calls in flight were given their time, start it again`,
    )
    .action(async (options: StartOptions) => {
      const { start } = await import('./cli/start.ts')
      await start(options)
    })

  program
    .command('check')
    .description('validate a configuration file and summarise it')
    .option('-c, --config <file>', 'the configuration file (default: spillway.yaml)')
    .option('--online', 'ask each endpoint with its own key, as doctor does')
    .option('--strict', 'exit with 1 at a warning too, such as a key that is not set')
    .option(
      '--chains',
      'print the chain of each route in whole: its policies with their options, and its targets',
    )
    .option('--json', 'print the problems as JSON')
    .action(async (options: CheckOptions) => {
      const { check } = await import('./cli/check.ts')
      process.exitCode = await check(options)
    })

  for (const [name, { description, load }] of Object.entries(groups))
    program.addCommand(
      isLoaded(name) ? (await load()).description(description) : new Command(name).description(description),
    )
  return program
}

/** Whoever reads the output may have enough of it (`| head`): what a command does is done all the same. */
function leaveReadersInPeace(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return
      const name = stream === process.stdout ? 'standard output' : 'standard error'
      process.exitCode = 1
      if (stream !== process.stderr)
        console.error(`${name} cannot be written (${error.code ?? error.message})`)
    })
  }
}

function port(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65535) throw new InvalidArgumentError('expected a port from 0 to 65535.')
  return value
}

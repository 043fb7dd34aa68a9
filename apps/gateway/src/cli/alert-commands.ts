import { hostname } from 'node:os'
import { systemClock } from '@spillway/middleware'
import { Command } from 'commander'
import { nameOfReceiver } from '../alerts/alert-settings.ts'
import type { Delivery } from '../alerts/deliver.ts'
import type { BoardEntry } from '../alerts/incident-board.ts'
import type { AlertConfig } from '../config/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadConfig } from '../config/load-config.ts'
import { configFileOf, noConfigFile } from './config-file.ts'
import { printable } from './printable.ts'

interface TestFlags {
  readonly config?: string
  readonly to?: string
  readonly json?: boolean
}

/** `spillway alerts …` */
export function alertCommands(): Command {
  const group = new Command('alerts')
  group.addCommand(
    new Command('test')
      .description('send a sample alert to each receiver and print the responses')
      .option('-c, --config <file>', 'the configuration file (default: spillway.yaml)')
      .option('--to <name>', 'only to this receiver')
      .option('--json', 'print the responses as JSON')
      .addHelpText(
        'after',
        `
A receiver gets an incident of the kind "test", signed as all are. Prints no address and no secret.

Exit codes:
  0    all receivers have taken it
  1    one has not, or there is none`,
      )
      .showHelpAfterError('(--help says more)')
      .action(testReceivers),
  )
  return group
}

/** What came back from a receiver. */
interface Answer {
  readonly name: string
  readonly to: AlertConfig['to']
  readonly taken: boolean
  readonly said: string
  readonly ms: number
}

async function testReceivers(flags: TestFlags): Promise<void> {
  try {
    const answers = await sendSamples(flags)
    if (flags.json) console.log(JSON.stringify(answers, null, 2))
    else for (const answer of answers) console.log(printable(lineOf(answer)))
    if (answers.some(({ taken }) => !taken)) process.exitCode = 1
  } catch (error) {
    if (error instanceof ConfigError) throw error
    console.error((error as Error).message)
    process.exitCode = 1
  }
}

async function sendSamples({ config: named, to }: TestFlags): Promise<Answer[]> {
  const file = configFileOf(named)
  if (file === undefined) throw new Error(noConfigFile)
  const { config } = loadConfig(file)
  const all = (config.alerts ?? []).map((settings, index) => ({
    settings,
    name: nameOfReceiver(settings, index),
  }))
  if (all.length === 0)
    throw new Error(
      `${file} names no receivers; add for instance:\n  alerts: [{ to: slack, url: env:SLACK_WEBHOOK_URL }]`,
    )
  const asked = all.filter(({ name }) => to === undefined || name === to)
  if (asked.length === 0)
    throw new Error(`there is no receiver ${to}; there are ${all.map(({ name }) => name).join(', ')}`)
  // Loaded by this command alone.
  const [{ openConfiguredVault }, { addressReader }, { send }, { fetchThrough }] = await Promise.all([
    import('../vault.ts'),
    import('../alerts/references.ts'),
    import('../alerts/receiver.ts'),
    import('../config/other-servers.ts'),
  ])
  const vault = config.vault && openConfiguredVault(config.vault)
  try {
    return await Promise.all(
      asked.map(async ({ settings, name }) => {
        const from = performance.now()
        const delivery = await send(
          {
            to: settings.to,
            address: addressReader(settings, vault),
            sender: { gateway: hostname() },
            clock: systemClock,
            fetch: fetchThrough(settings.proxy),
          },
          [{ type: 'opened', entry: sample() }],
        )
        const ms = Math.round(performance.now() - from)
        return { name, to: settings.to, taken: delivery.is === 'taken', said: wordsOf(delivery), ms }
      }),
    )
  } finally {
    await vault?.close()
  }
}

function sample(): BoardEntry {
  const now = Date.now()
  const message = 'a sample, sent by "spillway alerts test": nothing is wrong'
  return {
    id: crypto.randomUUID().replaceAll('-', ''),
    incident: { kind: 'test', severity: 'warning', subject: 'spillway', message, since: null },
    ...{ firstSeen: now, lastSeen: now, openedAt: now },
  }
}

const wordsOf = (delivery: Delivery): string =>
  delivery.is === 'taken' ? `HTTP ${delivery.status}` : delivery.problem

const lineOf = ({ name, to, taken, said, ms }: Answer): string =>
  `${taken ? 'ok' : 'FAILED'}  ${name} (${to})  ${said}${taken ? ` in ${ms} ms` : ''}`

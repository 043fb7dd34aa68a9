import { nameOfReceiver } from '../alerts/alert-settings.ts'
import { problemOfAddress } from '../alerts/references.ts'
import { problemOfSecret } from '../alerts/standard-webhook.ts'
import type { Config } from './config.ts'
import type { ConfigProblem } from './config-error.ts'
import { hintOfDotEnv } from './credential-hints.ts'

type Locate = (path: readonly PropertyKey[], message: string) => ConfigProblem

const needsVault =
  'vault:NAME needs to know the vault: add vault: { file: vault.age, keyFile: vault.key }, or use env:NAME'

/** What does not go together in `alerts`. */
export function problemsOfAlerts({ alerts = [], vault }: Config, at: Locate): ConfigProblem[] {
  const names = alerts.map(nameOfReceiver)
  return alerts.flatMap(({ to, url, secret }, index) => {
    const problems: ConfigProblem[] = []
    const add = (key: string, message: string): void => {
      problems.push(at(['alerts', index, key], message))
    }
    if (names.indexOf(names[index] as string) !== index)
      add('name', `"${names[index]}" is another one's name`)
    if (to === 'webhook' && secret === undefined)
      add('to', 'a webhook is signed: add secret: env:NAME or vault:NAME, which the receiver knows too')
    if (to === 'slack' && secret !== undefined)
      add('secret', 'Slack checks no signature, its address is the secret: leave this out')
    if (vault === undefined) {
      if (url.startsWith('vault:')) add('url', needsVault)
      if ([secret ?? []].flat().some((each) => each.startsWith('vault:'))) add('secret', needsVault)
    }
    for (const [key, reference, problemOf] of references(url, secret)) {
      const problem = isSet(reference) ? problemOf(process.env[nameOf(reference)]) : undefined
      if (problem !== undefined) add(key, `${reference} ${problem}`)
    }
    return problems
  })
}

/** Variables that are not set, which may be set where the gateway runs. */
export function warningsOfAlerts({ alerts = [] }: Config, at: Locate): ConfigProblem[] {
  return alerts.flatMap(({ url, secret }, index) =>
    references(url, secret).flatMap(([key, reference]) => {
      if (!reference.startsWith('env:') || isSet(reference)) return []
      const name = nameOf(reference)
      const message = `no alerts are sent: the environment variable ${name} is not set${hintOfDotEnv(name)}`
      return [at(['alerts', index, key], message)]
    }),
  )
}

type Reference = readonly [
  key: string,
  reference: string,
  problemOf: (value: string | undefined) => string | undefined,
]

const references = (url: string, secret: string | readonly string[] | undefined): Reference[] => [
  ['url', url, problemOfAddress],
  ...[secret ?? []].flat().map((each): Reference => ['secret', each, problemOfSecret]),
]

const nameOf = (reference: string): string => reference.slice('env:'.length)

const isSet = (reference: string): boolean =>
  reference.startsWith('env:') && Boolean(process.env[nameOf(reference)]?.trim())

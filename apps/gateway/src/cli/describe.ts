import { engineDefaults } from '@spillway/local-model'
import { ruleIn } from '../budgets/budget-words.ts'
import type { WrittenLimit } from '../budgets/limit-text.ts'
import { clientsPlaceOf, shownPlace } from '../clients/clients-place.ts'
import type { Config, RateLimitConfig, RouteConfig, TargetConfig } from '../config/config.ts'
import { safeUrl } from '../safe-url.ts'
import { addressOf } from '../venues/venue-profile.ts'
import { printable } from './printable.ts'

/** A heading, and lines of columns under it. */
type Section = readonly [title: string, rows: readonly (readonly string[])[]]

/**
 * What a configuration sets up, for a person: its targets and routes, limits and storage.
 * @param file that it is from; undefined where it is from none
 */
export function describeConfig(config: Config, file?: string): string {
  const targets = Object.entries(config.targets)
  const sections: Section[] = [
    ...(file === undefined ? [] : [['configuration', [[file]]] satisfies Section]),
    ['targets', targets.map(([name, target]) => [name, target.api, whereOf(target)])],
    ['routes', config.routes.map((route) => [route.models, pathOf(route)])],
    ['limits', limitsOf(config)],
    ['storage', [[storageOf(config)]]],
    ...(config.server.auth === 'keys'
      ? [['clients', [['by their keys, in', shownPlace(clientsPlaceOf(config))]]] satisfies Section]
      : []),
    ...(config.state?.redis === undefined ? [] : [sharedSection(config.state.redis)]),
  ]
  return sections.map(shown).join('\n')
}

function shown([title, rows]: Section): string {
  const widths = (rows[0] ?? []).map((_, column) => {
    const longest = Math.max(...rows.map((row) => (row[column] ?? '').length))
    return Math.min(Math.max(longest, column === 0 ? 12 : 10), 40)
  })
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join(' ')
      .trimEnd(),
  )
  return [title, ...lines.map((line) => `  ${printable(line)}`)].join('\n')
}

function whereOf({ api, endpoints = [], model }: TargetConfig): string {
  if (api === 'embedded') return model ?? ''
  const credentials = [...new Set(endpoints.map(({ credential }) => credential ?? 'no key'))]
  const facts = [...credentials, ...(model === undefined ? [] : [`model ${model}`])]
  const places = endpoints.map((endpoint) => {
    const { api: own } = endpoint
    return `${own === undefined || own === api ? '' : `${own} `}${safeUrl(addressOf(endpoint))}`
  })
  return `${places.join(', ')} (${facts.join(', ')})`
}

/** The chains of routes: in a line each, or each under a heading. */
export function describeChains(
  routes: readonly { readonly models: string; readonly handler: object }[],
  describe: (chain: object) => string,
  isWhole: boolean,
): string {
  if (!isWhole) return shown(['chains', routes.map(({ models, handler }) => [models, describe(handler)])])
  return routes
    .map(({ models, handler }) => {
      const lines = describe(handler).split('\n')
      return [`chain of ${printable(models)}`, ...lines.map((line) => `  ${line}`)].join('\n')
    })
    .join('\n')
}

const pathOf = ({ target, fallback }: RouteConfig): string => [target, ...fallback].join(' -> ')

function limitsOf(config: Config): string[][] {
  const ofTenants = config.tenants?.rateLimit === undefined ? '' : inWords(config.tenants.rateLimit)
  const rows = Object.entries(config.targets).map(([name, target]) => [name, limitsOfTarget(config, target)])
  if (ofTenants !== '') rows.push(['each caller', ofTenants])
  const { all, eachClient } = config.budgets ?? {}
  if (all?.length) rows.push(['all callers', budgetsOf(all)])
  if (eachClient?.length) rows.push(['each client', budgetsOf(eachClient)])
  const limited = rows.filter(([, words]) => words !== '')
  return limited.length === 0 ? [['none']] : (limited as string[][])
}

const budgetsOf = (limits: readonly WrittenLimit[]): string =>
  limits.map((each) => `${ruleIn(each)}${each.hard ? '' : ' (warns)'}`).join(', ')

/** As `limitsOfTarget` of the gateway sets them: the file's are those of a key. */
function limitsOfTarget(config: Config, target: TargetConfig): string {
  if (target.api === 'embedded') return inWords({ concurrency: engineDefaults.parallel, ...target.rateLimit })
  const hasKey = target.endpoints?.some(({ credential }) => credential !== undefined)
  return inWords({ ...(hasKey ? config.rateLimit : {}), ...target.rateLimit })
}

const units: readonly (readonly [keyof RateLimitConfig, string])[] = [
  ['requestsPerSecond', 'requests/s'],
  ['requestsPerMinute', 'requests/min'],
  ['inputTokensPerMinute', 'input tokens/min'],
  ['outputTokensPerMinute', 'output tokens/min'],
  ['concurrency', 'at a time'],
]

function inWords(limits: RateLimitConfig): string {
  const words = units.flatMap(([key, unit]) => {
    const value = limits[key]
    return typeof value === 'number' ? [`${value.toLocaleString('en')} ${unit}`] : []
  })
  if (limits.adaptiveConcurrency !== undefined) words.push('as many at a time as the upstream bears')
  return words.join(', ')
}

function storageOf({ storage }: Config): string {
  if (storage === undefined) return 'none: costs, calls and the audit log are not kept'
  const { url } = storage
  return url.startsWith('env:') || url.startsWith('sqlite:') ? url : safeUrl(url)
}

const sharedSection = (redis: string): Section => ['shared state', [[safeUrl(redis)]]]

/** Where the pages of a gateway will be. */
export function describeDashboard({ server: { host, port } }: Config): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const address = `http://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${port}/`
  return shown(['dashboard', [[port === 0 ? 'at the address that start prints' : address]]])
}

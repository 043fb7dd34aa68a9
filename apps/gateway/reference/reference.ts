import { configJsonSchema } from '../src/config/json-schema.ts'
import { defaults } from './defaults.ts'

/** What is read of a JSON schema. */
interface Schema {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly string[]
  readonly const?: unknown
  readonly pattern?: string
  readonly format?: string
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
}

/** Policies that are set for the file, and again for a target or for tenants. */
const policies = ['timeouts', 'retry', 'rateLimit', 'circuitBreaker']

const head = `# Configuration: all keys

Every key of \`spillway.yaml\`, with its type, its range and what holds where it is left out. \`pnpm --filter @spillway/gateway run schema\` writes
this page from the schema that files are checked by. The README of the gateway says how they go together.

- A **duration** is \`250ms\`, \`10s\`, \`1.5m\` or \`2h\`; an **age** is \`12h\` or \`90d\`; a **size** is a number of bytes, or \`64KiB\`, \`512MiB\`, \`1GB\`.
- A mistake is told with file, line, column and key, and nothing starts.
`

/** The page with all keys. */
export function configReference(): string {
  const { properties = {} } = JSON.parse(configJsonSchema()) as Schema
  const sections = Object.entries(properties).map(([key, schema]) => {
    const isRequired = key === 'targets' || key === 'routes'
    const rows = [...rowsOf(key, schema)].map(
      ({ path, type, standard, about }) => `| \`${path}\` | ${type} | ${standard} | ${about} |`,
    )
    const about = `${schema.description ?? ''}${isRequired ? ' Required.' : ''}`
    const table = ['| key | type | default | |', '| --- | --- | --- | --- |', ...rows]
    return `## \`${key}\`\n\n${about}\n${rows.length === 0 ? '' : `\n${table.join('\n')}\n`}`
  })
  return `${head}\n${sections.join('\n')}`
}

interface Row {
  readonly path: string
  readonly type: string
  readonly standard: string
  readonly about: string
}

function* rowsOf(path: string, schema: Schema): Generator<Row> {
  for (const part of [schema, ...(schema.anyOf ?? [])]) {
    if (part.items !== undefined) yield* rowsOf(`${path}[]`, part.items)
    const { additionalProperties: named } = part
    if (typeof named === 'object' && named.properties !== undefined) yield* rowsOf(`${path}.NAME`, named)
    for (const [key, inner] of Object.entries(part.properties ?? {})) {
      const name = `${path}.${key}`
      const isAgain = path !== '' && policies.includes(key)
      const about = isAgain ? `As \`${key}\` of the file, which it goes before.` : (inner.description ?? '')
      yield {
        path: name,
        type: typeOf(inner),
        standard: isAgain ? '' : defaultOf(path, key, inner, part.required ?? []),
        about: about.replaceAll('|', '\\|'),
      }
      if (!isAgain) yield* rowsOf(name, inner)
    }
  }
}

const isDuration = ({ pattern }: Schema): boolean => pattern?.includes('(ms|s|m|h)') === true
const isAge = ({ pattern }: Schema): boolean => pattern?.includes('d)$') === true && !isDuration({ pattern })
const isSize = ({ pattern }: Schema): boolean => pattern?.includes('B') === true && pattern.includes('i')

function typeOf(schema: Schema): string {
  const { anyOf, type, items, properties, additionalProperties } = schema
  if (anyOf !== undefined) {
    if (anyOf.some(isSize)) return 'size'
    return [...new Set(anyOf.map(typeOf))].join(' or ')
  }
  if (schema.enum !== undefined) return schema.enum.map((each) => `\`${each}\``).join(', ')
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (isDuration(schema)) return 'duration'
  if (isAge(schema)) return 'age'
  if (type === 'array') return items === undefined ? 'list' : `list of ${typeOf(items)}`
  if (properties !== undefined) return 'mapping'
  if (type === 'object')
    return typeof additionalProperties === 'object' && additionalProperties.type !== undefined
      ? `mapping of names to ${typeOf(additionalProperties)}`
      : 'mapping'
  if (type === 'integer' || type === 'number') return numberOf(schema)
  if (type === 'boolean') return 'true, false'
  if (type === 'null') return '`null`'
  return schema.format === 'uri' ? 'URL' : 'text'
}

function numberOf({ type, minimum, maximum, exclusiveMinimum }: Schema): string {
  const kind = type === 'integer' ? 'whole number' : 'number'
  const safe = (value: number | undefined): number | undefined =>
    value === undefined || Math.abs(value) === Number.MAX_SAFE_INTEGER ? undefined : value
  const bounds = [
    exclusiveMinimum !== undefined ? `above ${exclusiveMinimum}` : '',
    safe(minimum) !== undefined ? `from ${minimum}` : '',
    safe(maximum) !== undefined ? `to ${maximum}` : '',
  ].filter((text) => text !== '')
  return [kind, ...bounds].join(' ')
}

function defaultOf(path: string, key: string, schema: Schema, required: readonly string[]): string {
  if (required.includes(key)) return 'required'
  const policy = policies.find((name) => path.endsWith(`.${name}`))
  const known = defaults[policy ?? path] as Readonly<Record<string, unknown>> | undefined
  return shown(schema.default ?? known?.[key], schema)
}

function shown(value: unknown, schema: Schema): string {
  if (value === undefined || typeof value === 'function' || (typeof value === 'object' && value !== null))
    return Array.isArray(value) ? 'none' : ''
  if (value === Infinity) return isAge(schema) || schema.anyOf?.some(isAge) ? 'forever' : 'none'
  if (typeof value !== 'number') return `${value}`
  const kinds = [schema, ...(schema.anyOf ?? [])]
  if (kinds.some(isSize)) return value % 2 ** 20 === 0 ? `${value / 2 ** 20}MiB` : `${value / 1024}KiB`
  if (kinds.some((each) => isDuration(each) || isAge(each))) return durationOf(value)
  return `${value}`
}

function durationOf(ms: number): string {
  if (ms >= 3_600_000 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms >= 120_000 && ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms >= 1000 && ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}

import { asCode, asText, tableOf } from './table.ts'

/** As much of OpenAPI 3.1 as `/api` uses. */
export interface OpenApi {
  readonly info: { readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
    readonly securitySchemes: Readonly<Record<string, SecurityScheme>>
  }
}

interface SecurityScheme {
  readonly type: string
  readonly in?: string
  readonly name?: string
  readonly description: string
}

interface Operation {
  readonly summary: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema: Schema
  }[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly items?: Schema
  readonly prefixItems?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly minimum?: number
  readonly maximum?: number
}

const anchor = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-')

/** The page of `/api`, from its OpenAPI description. */
export function httpApi({ info, paths, components }: OpenApi): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  )
  const overview = operations.map(({ name, operation }) => [
    `[\`${name}\`](#${anchor(name)})`,
    asText(operation.summary),
  ])
  return [
    '# HTTP API',
    `${info.description} The gateway gives this description as OpenAPI 3.1 at \`GET /api/openapi.json\`; in TypeScript it is \`openApi()\` of [\`@spillway/gateway-api\`](/packages/gateway-api), with types. Paths of model calls (\`/v1/messages\`, \`/v1/chat/completions\`, \`/v1/responses\`, …) are [those of the vendors](/gateway#endpoints).`,
    `\`\`\`sh\ncurl -s 'http://127.0.0.1:8787/api/summary?range=24h' -H "authorization: Bearer $SPILLWAY_KEY"\n\`\`\``,
    '## Authentication',
    tableOf(
      ['by', 'what it is'],
      Object.values(components.securitySchemes).map((scheme) => [
        placeOf(scheme),
        asText(scheme.description),
      ]),
    ),
    '## All paths',
    tableOf(['path', 'what it does'], overview),
    ...operations.map(({ name, operation }) => sectionOf(name, operation)),
    '## Types',
    ...Object.entries(components.schemas)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, schema]) =>
        [`### ${name}`, asText(schema.description ?? ''), fieldsOf(schema) || `${typeOf(schema)}`]
          .filter((part) => part !== '')
          .join('\n\n'),
      ),
  ].join('\n\n')
}

function placeOf({ type, in: place, name = '' }: SecurityScheme): string {
  if (type === 'http') return '`authorization: Bearer …`'
  return place === 'cookie' ? `cookie \`${name}\`` : `\`${name}: …\``
}

function sectionOf(name: string, operation: Operation): string {
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema
  const parameters = (operation.parameters ?? []).map((each) => [
    asCode(each.name),
    each.in,
    typeOf(each.schema),
    each.required ? 'required' : each.schema.default === undefined ? '' : asCode(String(each.schema.default)),
    asText(each.description ?? each.schema.description ?? ''),
  ])
  const responses = Object.entries(operation.responses).map(([status, { description, content }]) => {
    const [type, { schema } = {}] = Object.entries(content ?? {})[0] ?? []
    return [status, schema === undefined ? asCode(type ?? '') : typeOf(schema), asText(description)]
  })
  return [
    `### \`${name}\``,
    asText(operation.summary.replace(/[^.]$/, '$&.')),
    tableOf(['parameter', 'in', 'type', 'default', 'what it is'], parameters),
    body === undefined ? '' : `Body:\n\n${fieldsOf(body) || typeOf(body)}`,
    tableOf(['status', 'answer', 'when'], responses),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

/** The fields of an object, a row each. */
function fieldsOf({ properties, required = [] }: Schema): string {
  if (properties === undefined) return ''
  const rows = Object.entries(properties).map(([name, schema]) => [
    asCode(required.includes(name) ? name : `${name}?`),
    typeOf(schema),
    schema.default === undefined ? '' : asCode(JSON.stringify(schema.default)),
    asText(schema.description ?? ''),
  ])
  return tableOf(['field', 'type', 'default', 'what it is'], rows)
}

/** A type in words of TypeScript, with links to named types. */
function typeOf(schema: Schema): string {
  const { $ref, enum: values, anyOf, oneOf, allOf, items, prefixItems, additionalProperties } = schema
  if ($ref !== undefined) {
    const name = $ref.split('/').at(-1) ?? ''
    return `[${name}](#${anchor(name)})`
  }
  if (schema.const !== undefined) return asCode(JSON.stringify(schema.const))
  if (values !== undefined) return values.map((value) => asCode(JSON.stringify(value))).join(', ')
  const parts = anyOf ?? oneOf ?? allOf
  if (parts !== undefined) return [...new Set(parts.map(typeOf))].join(allOf === undefined ? ' or ' : ' and ')
  if (prefixItems !== undefined) return `[${prefixItems.map(typeOf).join(', ')}]`
  if (items !== undefined) return `list of ${typeOf(items)}`
  if (schema.properties !== undefined) {
    const fields = Object.entries(schema.properties).map(
      ([name, field]) => `${asCode(name)}: ${typeOf(field)}`,
    )
    return `{ ${fields.join(', ')} }`
  }
  if (typeof additionalProperties === 'object') return `${typeOf(additionalProperties)} by name`
  const { minimum: least, maximum: most } = schema
  const bounds =
    least === undefined && most === undefined
      ? ''
      : most === undefined || most >= Number.MAX_SAFE_INTEGER
        ? least === undefined || least <= Number.MIN_SAFE_INTEGER
          ? ''
          : ` from ${least}`
        : ` from ${least ?? '-∞'} to ${most}`
  return `${[schema.type ?? 'anything'].flat().join(' or ')}${bounds}`
}

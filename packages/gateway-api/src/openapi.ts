import { z } from 'zod'
import { type Act, acts } from './acts.ts'
import { credential, login, noBody } from './clients.ts'
import { type QueryName, queries } from './parameters.ts'
import { type Question, questions } from './questions.ts'
import { error } from './state.ts'

type Json = Readonly<Record<string, unknown>>

let made: Json | undefined

/** The description of `/api` in OpenAPI 3.1, as `GET /api/openapi.json` gives it. */
export function openApi(): Json {
  made ??= describe()
  return made
}

function describe(): Json {
  const components: Record<string, unknown> = {}
  /** A schema, whose named parts go to the components. */
  const schemaOf = (schema: z.ZodType): Json => {
    const {
      $schema: _,
      $defs = {},
      ...written
    } = z.toJSONSchema(schema, {
      reused: 'inline',
      override({ jsonSchema }) {
        delete jsonSchema.readOnly
        // Answers may say more one day.
        if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      },
    }) as Record<string, Json>
    const { id, ...own } = written as Record<string, unknown>
    for (const [name, part] of Object.entries($defs)) components[name] = toComponent(withoutId(part as Json))
    if (typeof id !== 'string') return toComponent(own)
    components[id] = toComponent(own)
    return { $ref: `#/components/schemas/${id}` }
  }
  const paths: Record<string, unknown> = {}
  const wrong = {
    content: { 'application/json': { schema: schemaOf(error) } },
  }
  for (const [path, question] of Object.entries<Question>(questions)) {
    const parameters = [
      ...(path.includes('{id}')
        ? [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }]
        : []),
      ...parametersOf(question.query),
    ]
    paths[path] = {
      get: {
        summary: question.summary,
        ...(parameters.length > 0 && { parameters }),
        responses: {
          200: {
            description: 'As of now.',
            content: { 'application/json': { schema: schemaOf(question.answer) } },
          },
          400: { description: 'A parameter is wrong; the message names it.', ...wrong },
          ...(question.isLocal && {
            403: {
              description: 'The request comes from another machine or a proxy, and no login is configured.',
              ...wrong,
            },
          }),
          ...(path.includes('{id}') && { 404: { description: 'There is none, or no longer.', ...wrong } }),
          503: { description: 'The database or the vault does not answer.', ...wrong },
        },
      },
    }
  }
  for (const [name, act] of Object.entries<Act>({ ...acts, ...loginActs })) {
    const [method = '', path = ''] = name.split(' ')
    paths[path] = { ...(paths[path] as Json), [method.toLowerCase()]: actOf(path, act, schemaOf, wrong) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Spillway',
      version: '1',
      description:
        'What the dashboard reads and does. Times are milliseconds since the Unix epoch, durations milliseconds, money whole nano-dollars as text. Where operators have to log in, questions need the permission `admin:read`, acts `admin:write`.',
    },
    security: [{ key: [] }, { header: [] }, { session: [] }, {}],
    paths: {
      ...paths,
      '/api/login': {
        ...(paths['/api/login'] as Json),
        get: {
          summary: 'The operator who is logged in',
          security: [],
          responses: {
            200: { description: 'As of now.', content: { 'application/json': { schema: schemaOf(login) } } },
          },
        },
      },
      '/api/openapi.json': {
        get: {
          summary: 'This description',
          responses: {
            200: {
              description: 'As of now.',
              content: { 'application/json': { schema: { type: 'object' } } },
            },
          },
        },
      },
      '/api/live': {
        get: {
          summary: 'Server-sent events: `call` (a CallRow), `circuit` (target, endpoint, circuit), `ping`',
          responses: {
            200: {
              description: 'Until the gateway stops, or the session ends.',
              content: { 'text/event-stream': {} },
            },
            503: { description: 'Too many watch already.' },
          },
        },
      },
    },
    components: { schemas: components, securitySchemes },
  }
}

const securitySchemes = {
  key: { type: 'http', scheme: 'bearer', description: 'The key of a client.' },
  header: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same.' },
  session: {
    ...{ type: 'apiKey', in: 'cookie', name: 'spillway-session' },
    description:
      'The cookie that a login sets; its name ends with the port. Acts need `x-spillway-csrf` too.',
  },
}

const loginActs = {
  'POST /api/login': {
    summary: 'Opens a session for a key, or for the code of a link: the cookie is in `set-cookie`',
    ...{ query: 'nothing', body: credential, status: 200, answer: login },
  },
  'POST /api/logout': {
    summary: 'Ends the session',
    ...{ query: 'nothing', body: noBody, status: 200, answer: login },
  },
} as const satisfies Readonly<Record<string, Act>>

function actOf(path: string, act: Act, schemaOf: (schema: z.ZodType) => Json, wrong: Json): Json {
  const [, part] = /\{(\w+)\}/.exec(path) ?? []
  const text = { type: 'string' }
  const parameters = [
    ...(part === undefined ? [] : [{ name: part, in: 'path', required: true, schema: text }]),
    ...parametersOf(act.query),
    ...(act.isConditional
      ? [
          {
            ...{ name: 'if-match', in: 'header', schema: text },
            description: 'The revision that is meant, in quotes.',
          },
        ]
      : []),
  ]
  return {
    summary: act.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(act.body !== noBody && {
      requestBody: { content: { 'application/json': { schema: schemaOf(act.body) } } },
    }),
    responses: {
      [act.status]: {
        description: 'Done.',
        content: { 'application/json': { schema: schemaOf(act.answer) } },
      },
      400: { description: 'A parameter or a field is wrong; the message names it.', ...wrong },
      401: { description: 'Who asks is not known.', ...wrong },
      403: { description: 'A permission is missing; the message names it.', ...wrong },
      ...(part !== undefined && { 404: { description: 'There is none.', ...wrong } }),
      ...(path.startsWith('/api/clients') && {
        409: { description: 'Another client, or what was done to it, is in the way.', ...wrong },
      }),
      ...(act.isConditional && { 412: { description: 'It has been changed meanwhile.', ...wrong } }),
    },
  }
}

function parametersOf(name: QueryName): Json[] {
  const { properties = {} } = z.toJSONSchema(queries[name], { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, Json>
  }
  return Object.entries(properties).map(([parameter, { description, ...schema }]) => ({
    ...{ name: parameter, in: 'query', schema },
    ...(description !== undefined && { description }),
  }))
}

function withoutId({ id: _, ...schema }: Json): Json {
  return schema
}

/** References of a schema by itself are to its own definitions. */
function toComponent(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json
}

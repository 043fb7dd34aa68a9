import { z } from 'zod'
import { type QueryName, queries } from './parameters.ts'
import { type Question, questions } from './questions.ts'
import { error, targets } from './state.ts'

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
            403: { description: 'Another machine asks, or a proxy; there is no login yet.', ...wrong },
          }),
          ...(path.includes('{id}') && { 404: { description: 'There is none, or no longer.', ...wrong } }),
          503: { description: 'The database or the vault does not answer.', ...wrong },
        },
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Spillway',
      version: '1',
      description:
        'What the dashboard reads. Times are milliseconds since the Unix epoch, durations milliseconds, money whole nano-dollars as text.',
    },
    paths: {
      ...paths,
      '/api/targets': { ...(paths['/api/targets'] as Json), post: openLimits(schemaOf(targets), wrong) },
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
            200: { description: 'Until the gateway stops.', content: { 'text/event-stream': {} } },
            503: { description: 'Too many watch already.' },
          },
        },
      },
    },
    components: { schemas: components },
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

function openLimits(answer: Json, wrong: Json): Json {
  return {
    summary: 'Opens by hand what a 429 of the vendor has closed, and forgets what it said is left',
    parameters: parametersOf('openLimits'),
    responses: {
      200: { description: 'As of now.', content: { 'application/json': { schema: answer } } },
      400: { description: 'A parameter is wrong; the message names it.', ...wrong },
    },
  }
}

function withoutId({ id: _, ...schema }: Json): Json {
  return schema
}

/** References of a schema by itself are to its own definitions. */
function toComponent(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json
}

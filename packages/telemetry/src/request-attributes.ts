import type { Attributes, Span } from '@opentelemetry/api'
import type { ModelRequest } from '@spillway/middleware'
import { fieldOf, type Venue } from '@spillway/middleware/kit'
import type { Conventions } from './conventions.ts'

/** The operation in the conventions' words; they have none for counting tokens. */
export function operationOf(request: ModelRequest): string {
  return request.operation === 'generate' ? 'chat' : request.operation
}

/** What the caller believes to talk to, where nothing better is known: the vendor whose protocol it speaks. */
export function providerOf({ api, venue }: ModelRequest): string {
  return venue === undefined ? api : clouds[venue]
}

/** In the words of the conventions. */
const clouds: Readonly<Record<Venue, string>> = { bedrock: 'aws.bedrock', vertex: 'gcp.vertex_ai' }

/** Those that a sampler may decide by; `server` as {@link serverAttributes} has it. */
export function identifyingAttributes(
  request: ModelRequest,
  operation: string,
  provider: string,
  server: Attributes,
  { attributes: names }: Conventions,
): Attributes {
  return {
    [names.operation]: operation,
    [names.provider]: provider,
    [names.requestModel]: request.model,
    ...server,
  }
}

/** Host and port of an absolute URL; nothing for a path. */
export function serverAttributes(url: string): Attributes {
  const found = /^(https?):\/\/(?:[^@/?#]*@)?(\[[^\]]*\]|[^:/?#]+)(?::(\d+))?/i.exec(url)
  if (found === null) return {}
  const [, scheme, host = '', port] = found
  return {
    'server.address': host,
    'server.port': port === undefined ? (scheme?.toLowerCase() === 'https' ? 443 : 80) : Number(port),
  }
}

/** Bytes of a field at most that is read for an attribute. */
const longestField = 16 * 1024

/** Stop sequences of a request that are worth an attribute, and how much of each. */
const mostStops = 16
const longestStop = 256

/** What was asked for, without any content. */
export function setParameters(span: Span, request: ModelRequest, { attributes: names }: Conventions): void {
  span.setAttribute(names.stream, request.stream)
  const asked = readerOf(request)
  setNumber(span, names.maxTokens, asked('max_completion_tokens') ?? asked('max_tokens'))
  setNumber(span, names.temperature, asked('temperature'))
  setNumber(span, names.topP, asked('top_p'))
  setNumber(span, names.topK, asked('top_k'))
  setNumber(span, names.seed, asked('seed'))
  setNumber(span, names.frequencyPenalty, asked('frequency_penalty'))
  setNumber(span, names.presencePenalty, asked('presence_penalty'))
  const choices = asked('n')
  if (choices !== 1) setNumber(span, names.choiceCount, choices)
  const stop = asked('stop_sequences') ?? asked('stop')
  const stops = (Array.isArray(stop) ? stop : [stop]).filter((each) => typeof each === 'string')
  if (stops.length > 0 || Array.isArray(stop)) {
    const some = stops.slice(0, mostStops).map((each) => each.slice(0, longestStop))
    span.setAttribute(names.stopSequences, some)
  }
  const output = asked('output_config')
  const format = property(property(output, 'format') ?? asked('response_format'), 'type')
  if (typeof format === 'string')
    span.setAttribute(names.outputType, format.startsWith('json') ? 'json' : 'text')
  const effort = property(output, 'effort') ?? asked('reasoning_effort')
  if (names.reasoningLevel !== undefined && typeof effort === 'string')
    span.setAttribute(names.reasoningLevel, effort.slice(0, longestStop))
}

function setNumber(span: Span, name: string, value: unknown): void {
  if (typeof value === 'number') span.setAttribute(name, value)
}

/** Reads fields of the body. One that is not JSON is the upstream's to complain of. */
function readerOf({ body }: ModelRequest): (name: string) => unknown {
  let isJson = true
  return (name) => {
    if (!isJson) return undefined
    try {
      return fieldOf(body, name, longestField)
    } catch {
      isJson = false
      return undefined
    }
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

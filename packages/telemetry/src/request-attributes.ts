import type { Attributes, Span } from '@opentelemetry/api'
import type { JsonObject, ModelRequest } from '@spillway/middleware'
import type { Conventions } from './conventions.ts'

/** The operation in the conventions' words; they have none for counting tokens. */
export function operationOf(request: ModelRequest): string {
  return request.operation === 'generate' ? 'chat' : request.operation
}

/** What the caller believes to talk to, where nothing better is known: the vendor whose protocol it speaks. */
export function providerOf(request: ModelRequest): string {
  return request.api
}

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

/** What was asked for, without any content. */
export function setParameters(span: Span, request: ModelRequest, { attributes: names }: Conventions): void {
  span.setAttribute(names.stream, request.stream)
  const json = bodyOf(request)
  if (json === undefined) return
  setNumber(span, names.maxTokens, json.max_completion_tokens ?? json.max_tokens)
  setNumber(span, names.temperature, json.temperature)
  setNumber(span, names.topP, json.top_p)
  setNumber(span, names.topK, json.top_k)
  setNumber(span, names.seed, json.seed)
  setNumber(span, names.frequencyPenalty, json.frequency_penalty)
  setNumber(span, names.presencePenalty, json.presence_penalty)
  if (json.n !== 1) setNumber(span, names.choiceCount, json.n)
  const stop = json.stop_sequences ?? json.stop
  if (typeof stop === 'string') span.setAttribute(names.stopSequences, [stop])
  else if (Array.isArray(stop))
    span.setAttribute(
      names.stopSequences,
      stop.filter((each) => typeof each === 'string'),
    )
  const format = property(property(json.output_config, 'format') ?? json.response_format, 'type')
  if (typeof format === 'string')
    span.setAttribute(names.outputType, format.startsWith('json') ? 'json' : 'text')
  const effort = property(json.output_config, 'effort') ?? json.reasoning_effort
  if (names.reasoningLevel !== undefined && typeof effort === 'string')
    span.setAttribute(names.reasoningLevel, effort)
}

function setNumber(span: Span, name: string, value: unknown): void {
  if (typeof value === 'number') span.setAttribute(name, value)
}

/** A body that is not JSON is the upstream's to complain of. */
function bodyOf(request: ModelRequest): JsonObject | undefined {
  try {
    return request.body.json
  } catch {
    return undefined
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

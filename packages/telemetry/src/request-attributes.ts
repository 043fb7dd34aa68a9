import type { Attributes } from '@opentelemetry/api'
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

/** Those that a sampler may decide by. */
export function identifyingAttributes(
  request: ModelRequest,
  provider: string,
  { attributes: names }: Conventions,
): Attributes {
  return {
    [names.operation]: operationOf(request),
    [names.provider]: provider,
    [names.requestModel]: request.model,
    ...serverAttributes(request.url),
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
export function parameterAttributes(request: ModelRequest, { attributes: names }: Conventions): Attributes {
  const found: Attributes = { [names.stream]: request.stream }
  const json = bodyOf(request)
  if (json === undefined) return found
  const number = (name: string, value: unknown): void => {
    if (typeof value === 'number') found[name] = value
  }
  number(names.maxTokens, json.max_completion_tokens ?? json.max_tokens)
  number(names.temperature, json.temperature)
  number(names.topP, json.top_p)
  number(names.topK, json.top_k)
  number(names.seed, json.seed)
  number(names.frequencyPenalty, json.frequency_penalty)
  number(names.presencePenalty, json.presence_penalty)
  if (json.n !== 1) number(names.choiceCount, json.n)
  const stop = json.stop_sequences ?? json.stop
  if (typeof stop === 'string') found[names.stopSequences] = [stop]
  else if (Array.isArray(stop)) found[names.stopSequences] = stop.filter((each) => typeof each === 'string')
  const format = property(property(json.output_config, 'format') ?? json.response_format, 'type')
  if (typeof format === 'string') found[names.outputType] = format.startsWith('json') ? 'json' : 'text'
  const effort = property(json.output_config, 'effort') ?? json.reasoning_effort
  if (names.reasoningLevel !== undefined && typeof effort === 'string') found[names.reasoningLevel] = effort
  return found
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

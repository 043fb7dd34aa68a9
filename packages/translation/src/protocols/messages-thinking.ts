import type { JsonObject } from '@spillway/middleware/kit'
import { field, isObject, numberOf, objectsOf, stringField } from '@spillway/wire/internal'
import type { ModelCapabilities } from '../fit/capabilities.ts'
import { defined } from './json.ts'
import type { Loss } from './loss.ts'
import { claudeSchema } from './schemas.ts'

type Lose = (loss: Loss) => void

const budgets: Readonly<Record<string, number | undefined>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 32_768,
}

/**
 * How hard to think, and the form of the answer, which share a field.
 * @param forced whether a call of a tool is demanded, which excludes thinking
 */
export function thinking(
  body: JsonObject,
  model: ModelCapabilities,
  maxTokens: number,
  messages: readonly JsonObject[],
  forced: boolean,
  lose: Lose,
): JsonObject {
  const format = outputFormat(body.response_format, lose)
  const asked = isObject(body.reasoning) ? body.reasoning : {}
  const effort = stringField(body, 'reasoning_effort') ?? stringField(asked, 'effort')
  const budget = field(asked, 'max_tokens') ?? budgets[effort ?? '']
  const output = (more: JsonObject = {}): JsonObject => {
    const config = defined({ ...more, format })
    return Object.keys(config).length === 0 ? {} : { output_config: config }
  }
  if (effort === 'none' || asked.enabled === false) {
    const canBeOff = model.thinking === undefined ? model.signedThinking : model.thinking.includes('disabled')
    if (!canBeOff) lose('effort')
    return { ...output(), ...(canBeOff ? { thinking: { type: 'disabled' } } : {}) }
  }
  if (effort === undefined && budget === undefined && asked.enabled !== true) return output()
  if (model.thinking?.includes('enabled')) {
    const tokens = Math.min(numberOf(budget ?? budgets.medium), maxTokens - 1)
    if (tokens >= 1024 && thoughtsAreThere(messages) && !forced) {
      return { ...output(), thinking: { type: 'enabled', budget_tokens: Math.max(1024, tokens) } }
    }
    lose('thinking')
    return output()
  }
  if (!model.signedThinking || forced) {
    lose('effort')
    return output()
  }
  if (effort === undefined || effort === 'minimal' || asked.max_tokens !== undefined) lose('effort')
  const level = effort === undefined ? undefined : effort === 'minimal' ? 'low' : effort
  return { ...output({ effort: level }), thinking: { type: 'adaptive' } }
}

/** Whether a request asks for thinking, which excludes sampling parameters. */
export function isThinking({ thinking: asked, output_config }: JsonObject): boolean {
  const type = field(asked, 'type')
  return type === 'enabled' || type === 'adaptive' || field(output_config, 'effort') !== undefined
}

/** Whether a choice of a tool, in the words of Messages, demands a call. */
export function isForced(choice: unknown): boolean {
  const type = field(choice, 'type')
  return type === 'any' || type === 'tool'
}

/** A budget cannot be set in the middle of a tool loop that began without thinking. */
function thoughtsAreThere(messages: readonly JsonObject[]): boolean {
  const last = messages.at(-1)
  if (!objectsOf(last?.content).some(({ type }) => type === 'tool_result')) return true
  const answer = messages.findLast(({ role }) => role === 'assistant')
  const first = objectsOf(answer?.content)[0]?.type
  return first === 'thinking' || first === 'redacted_thinking'
}

function outputFormat(format: unknown, lose: Lose): JsonObject | undefined {
  const type = field(format, 'type')
  if (type === 'json_schema') {
    const schema = field(field(format, 'json_schema'), 'schema') ?? { type: 'object' }
    return { type, schema: claudeSchema(schema, () => lose('structured_output')) }
  }
  if (type !== undefined && type !== 'text') lose('structured_output')
  return undefined
}

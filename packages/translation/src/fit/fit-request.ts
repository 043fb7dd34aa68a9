import type { Api } from '@spillway/middleware'
import type { JsonBody, JsonObject } from '@spillway/middleware/kit'
import { estimatePromptTokens } from '@spillway/wire'
import {
  field,
  isObject,
  isSurelyWithin,
  leastPromptTokens,
  numberOf,
  objectsOf,
  promptFactsOf,
} from '@spillway/wire/internal'
import { type Loss, mergeLosses } from '../protocols/loss.ts'
import { isForced, isThinking } from '../protocols/messages-thinking.ts'
import type { ModelCapabilities } from './capabilities.ts'
import {
  hasForeignThinking,
  lacksThinking,
  mayHaveForeignThinking,
  type ThinkingOf,
  withoutForeignThinking,
  withoutThinking,
} from './foreign-thinking.ts'
import { goOn } from './go-on.ts'
import { broughtHome, needsHomecoming } from './homecoming.ts'
import { whereIs, withNotes } from './media.ts'

/** What is to be fitted. */
export interface FitCall {
  readonly api: Api
  readonly body: JsonObject
  /** The same as bytes, where they are at hand: prompts that are short enough are not looked into. */
  readonly bytes?: Uint8Array | undefined
  /** The `anthropic-version` of the request. */
  readonly apiVersion?: string | undefined
  /** Whether another Claude than the caller's answers, which may not be able to read the thinking so far. */
  readonly isOtherModel?: boolean
  /**
   * How much may be changed: everything that the model would not take, or no more than what another model has left in the
   * conversation, for callers who have chosen the model themselves and know what it takes.
   * @default 'all'
   */
  readonly scope?: 'all' | 'thinking'
}

/** A request that a model takes, or why it does not. */
export type Fitted =
  | {
      readonly kind: 'fits'
      /** The very same object where nothing had to change. */
      readonly body: JsonObject
      readonly degraded: readonly Loss[]
    }
  | { readonly kind: 'skip'; readonly reason: string }

/**
 * Fits a request to what a model takes. It is reduced where the answer stays an answer to what was asked, and skipped
 * where it would not: a prompt beyond the context, tools or an image asked about now that the model cannot use. Images of
 * earlier turns give way to a note.
 */
export function fitRequest(call: FitCall, model: ModelCapabilities): Fitted {
  const lost = new Set<Loss>()
  const lose = (loss: Loss): void => void lost.add(loss)
  let { body } = call
  const change = (fields: JsonObject, loss?: Loss): void => {
    body = Object.fromEntries(
      Object.entries({ ...body, ...fields }).filter(([, value]) => value !== undefined),
    )
    if (loss !== undefined) lose(loss)
  }
  if (call.scope === 'thinking') {
    if (call.api === 'anthropic') {
      if (hasForeignThinking(body.messages, thinkingOf(model))) fitThinking(call, model, () => body, change)
      bringHome(model, body, change)
    }
    return { kind: 'fits', body, degraded: mergeLosses([...lost]) }
  }
  if (!model.tools && objectsOf(body.tools).length > 0) return skip('the model cannot use tools')
  for (const kind of ['images', 'documents'] as const) {
    const where = model[kind] ? 'nowhere' : whereIs(kind, body.messages)
    if (where === 'now') return skip(`the model cannot read ${kind}`)
    if (where === 'before') change({ messages: withNotes(kind, body.messages) }, kind)
  }
  if (call.api === 'anthropic') {
    fitThinking(call, model, () => body, change)
    bringHome(model, body, change)
    fitEffort(body, model, change)
    fitVersion(call, model, () => body, change)
  } else {
    if (!model.sampling) dropSampling(body, change)
    if (!model.effort && body.reasoning_effort != null) change({ reasoning_effort: undefined }, 'effort')
  }
  fitToolChoice(body, model, change)
  if (call.api === 'anthropic' && model.signedThinking) fitExclusions(() => body, change)
  fitFormat(body, model, change)
  const tooLarge = fitLength(body, model, change, body === call.body ? call.bytes : undefined)
  if (body.max_tokens !== call.body.max_tokens) fitBudget(body, call.body, change)
  return tooLarge ?? { kind: 'fits', body, degraded: lost.size === 0 ? [] : mergeLosses([...lost]) }
}

/**
 * Whether a request needs no fitting in the scope of thinking, which is told without parsing a body that was scanned.
 * @throws SyntaxError when the body was not scanned and is not JSON
 */
export function hasFittingThinking(api: Api, body: JsonBody, model: ModelCapabilities): boolean {
  if (api !== 'anthropic') return true
  if (mayHaveForeignThinking(body, thinkingOf(model))) return false
  return !model.signedThinking || !(promptFactsOf(body)?.isForeign ?? needsHomecoming(body.json.messages))
}

/** Claude refuses what other models leave in a conversation; their servers take it back. */
function bringHome(model: ModelCapabilities, { messages }: JsonObject, change: Change): void {
  if (!model.signedThinking) return
  const home = broughtHome(messages)
  if (home !== messages) change({ messages: home })
}

type Change = (fields: JsonObject, loss?: Loss) => void

function skip(reason: string): Fitted {
  return { kind: 'skip', reason }
}

function thinkingOf(model: ModelCapabilities): ThinkingOf {
  return model.signedThinking ? 'claude' : 'others'
}

function fitThinking(call: FitCall, model: ModelCapabilities, now: () => JsonObject, change: Change): void {
  const { messages } = now()
  const kept =
    call.isOtherModel === true && model.signedThinking
      ? withoutThinking(messages)
      : withoutForeignThinking(messages, thinkingOf(model))
  if (kept !== messages) change({ messages: kept }, 'thinking')
  const { thinking, output_config } = now()
  if (!isObject(thinking)) return
  if (model.thinking !== undefined && !model.thinking.includes(thinking.type as never)) {
    const effort = field(output_config, 'effort')
    const canPause = model.thinking.includes('between_tools') && effort !== 'xhigh' && effort !== 'max'
    if (thinking.type === 'enabled' && model.thinking.includes('adaptive')) {
      change({ thinking: { type: 'adaptive' } }, 'thinking')
    } else if (thinking.type === 'disabled' && canPause) {
      change({ thinking: { type: 'between_tools' } }, 'thinking')
    } else change({ thinking: undefined }, 'thinking')
  }
  // With a budget, Claude insists on thinking at the beginning of a tool loop's last answer.
  if (field(now().thinking, 'type') === 'enabled' && model.signedThinking && lacksThinking(now().messages)) {
    change({ thinking: undefined }, 'thinking')
  }
}

function fitEffort(
  { output_config }: JsonObject,
  model: Pick<ModelCapabilities, 'effort'>,
  change: Change,
): void {
  if (model.effort || field(output_config, 'effort') == null) return
  const { effort: _, ...rest } = output_config as JsonObject
  change({ output_config: Object.keys(rest).length > 0 ? rest : undefined }, 'effort')
}

/** A tool that must be called excludes thinking and an effort; these exclude sampling parameters. */
function fitExclusions(now: () => JsonObject, change: Change): void {
  if (!isThinking(now())) return
  if (isForced(now().tool_choice)) {
    fitEffort(now(), { effort: false }, change)
    if (now().thinking !== undefined) change({ thinking: undefined }, 'thinking')
  } else dropSampling(now(), change)
}

/** A budget keeps its share of a limit that has become lower. */
function fitBudget({ thinking, max_tokens }: JsonObject, asked: JsonObject, change: Change): void {
  const budget = field(thinking, 'budget_tokens')
  if (typeof budget !== 'number' || typeof max_tokens !== 'number' || budget < max_tokens) return
  const share = Math.floor((max_tokens * budget) / Math.max(budget + 1, numberOf(asked.max_tokens)))
  const left = Math.min(share, max_tokens - 1)
  if (left < smallestBudget) change({ thinking: undefined }, 'thinking')
  else change({ thinking: { ...(thinking as JsonObject), budget_tokens: left } }, 'thinking')
}

/** Anthropic refuses less. */
const smallestBudget = 1024

/** What the newer version of the API, and the newer models on either, do not take any more. */
function fitVersion(call: FitCall, model: ModelCapabilities, now: () => JsonObject, change: Change): void {
  const isStrict = call.apiVersion !== undefined && call.apiVersion >= '2026-10-21' && model.signedThinking
  if (isStrict || !model.sampling) dropSampling(now(), change, isStrict)
  const turns = objectsOf(now().messages)
  if (turns.at(-1)?.role === 'assistant' && !model.prefill) {
    change({ messages: [...turns, { role: 'user', content: goOn }] }, 'prefill')
  }
}

/** Values that are the default are no loss; the older version even takes them. */
function dropSampling(body: JsonObject, change: Change, isStrict = false): void {
  const { temperature, top_p, top_k } = body
  const isDefault = { temperature: temperature === 1, top_p: numberOf(top_p) >= 0.99, top_k: false }
  for (const name of ['temperature', 'top_p', 'top_k'] as const) {
    const value = { temperature, top_p, top_k }[name]
    if (value === undefined || (isDefault[name] && !isStrict)) continue
    change({ [name]: undefined }, isDefault[name] || value === null ? undefined : name)
  }
}

function fitToolChoice(body: JsonObject, model: ModelCapabilities, change: Change): void {
  const { tool_choice: choice } = body
  if (model.forcedToolChoice || choice == null) return
  if (isObject(choice) && (choice.type === 'any' || choice.type === 'tool')) {
    const { name: _, ...rest } = choice
    change({ tool_choice: { ...rest, type: 'auto' } }, 'tool_choice')
  } else if (
    choice === 'required' ||
    (isObject(choice) && choice.type !== 'auto' && choice.type !== 'none')
  ) {
    // The words of chat completions: a function, with or without `type`, one of several, a custom tool.
    change({ tool_choice: 'auto' }, 'tool_choice')
  }
}

function fitFormat(body: JsonObject, model: ModelCapabilities, change: Change): void {
  if (model.structuredOutput) return
  if (body.response_format != null) change({ response_format: undefined }, 'structured_output')
  if (field(body.output_config, 'format') == null) return
  const { format: _, ...rest } = body.output_config as JsonObject
  change({ output_config: Object.keys(rest).length > 0 ? rest : undefined }, 'structured_output')
}

/**
 * The answer gives way to the prompt, as long as there is capacity for one. A prompt is too long where it surely is: whether
 * one is that may be, only the server's tokenizer knows.
 */
function fitLength(
  body: JsonObject,
  model: ModelCapabilities,
  change: Change,
  bytes: Uint8Array | undefined,
): Fitted | undefined {
  const { contextTokens = Infinity, maxOutputTokens = Infinity } = model
  const isShort = bytes !== undefined && isSurelyWithin(bytes, contextTokens - maxOutputTokens)
  const most = contextTokens === Infinity || isShort ? 0 : estimatePromptTokens(body)
  let left = contextTokens - most
  const isTight = answerFields.some((name) => typeof body[name] === 'number' && body[name] > left)
  if (left <= 0 || (left < maxOutputTokens && isTight)) {
    const least = leastPromptTokens(body, contextTokens)
    if (least >= contextTokens) {
      return skip(`prompt is too long: at least ${least} tokens > ${contextTokens} maximum`)
    }
    left = answerBeside(least, most, contextTokens)
  }
  const limit = Math.min(maxOutputTokens, left)
  for (const name of answerFields) {
    if (typeof body[name] === 'number' && body[name] > limit) change({ [name]: limit }, 'max_tokens')
  }
  return undefined
}

const answerFields = ['max_tokens', 'max_completion_tokens'] as const

/** What is left beside a prompt of half-way between the two, and at least a quarter of what may be left. */
function answerBeside(least: number, most: number, context: number): number {
  return Math.ceil(Math.max(context - Math.max(least, (least + most) / 2), (context - least) / 4))
}

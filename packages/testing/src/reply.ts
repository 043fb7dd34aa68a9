import type { Usage } from '@spillway/middleware'
import type { TokenCounts } from '@spillway/middleware/kit'

/** What a simulated model says, whatever the protocol. */
export interface Reply {
  /** @default {@link defaultText}, or nothing when there are tool calls */
  readonly text?: string
  /** Comes before the text. @default none */
  readonly thinking?: string
  /**
   * Whether Claude keeps its thinking to itself, as current models do by default (`thinking.display: omitted`): an empty
   * thinking block that opens at once, then a signature, and no word of it. Other protocols say nothing.
   * @default false
   */
  readonly thinkingOmitted?: boolean
  /** Come after the text. @default none */
  readonly toolUse?: readonly ReplyToolUse[]
  /**
   * Whether the last words of the text come between the calls. A chat stream sends the arguments of all calls by turns then, as
   * servers do that generate them at once. @default false
   */
  readonly interleaved?: boolean
  /**
   * The field in which a chat answer has its thinking; local servers say `reasoning_content`.
   * @default 'reasoning'
   */
  readonly thinkingField?: 'reasoning' | 'reasoning_content'
  /**
   * In Anthropic's words; other protocols get their own.
   * @default end_turn, or tool_use when there are tool calls
   */
  readonly stopReason?: string
  /**
   * The model declines, after what else there is in this reply; without text before any output. Claude says so with status 200.
   * @default none
   */
  readonly refusal?: ReplyRefusal
  /** @default about a token for four characters of prompt and answer, nothing cached */
  readonly usage?: ReplyUsage
  /** Fields of the usage at the end, in the protocol's own words: `iterations`, `server_tool_use`, `is_byok`, … @default none */
  readonly moreUsage?: Readonly<Record<string, unknown>>
  /** Whether a chat answer tells no usage, not even when it is asked to, as some local servers do. @default false */
  readonly withoutUsage?: boolean
  /** The model that the answer names. @default the one that was asked for */
  readonly model?: string
}

/** How a model declines. */
export interface ReplyRefusal {
  /** `cyber`, `bio`, … @default null */
  readonly category?: string
  /** @default null */
  readonly explanation?: string
  /** Whether a stream is cut off within its last block, which is never closed then. @default false */
  readonly inBlock?: boolean
}

/** A tool call. */
export interface ReplyToolUse {
  /** @default a new one, as the protocol writes it */
  readonly id?: string
  readonly name: string
  readonly input: unknown
}

/** The token counts to report; what is missing is estimated or 0. */
export type ReplyUsage = Partial<TokenCounts & Pick<Usage, 'reasoningTokens' | 'cost'>>

/** What the simulated models say when they are told nothing else. */
export const defaultText = 'The spillway carries the water safely around the dam.'

/** A reply with nothing left to decide. */
export interface FullReply {
  readonly thinking: readonly string[]
  readonly thinkingOmitted: boolean
  readonly text: readonly string[]
  readonly toolUse: readonly ReplyToolUse[]
  readonly interleaved: boolean
  readonly thinkingField: string
  readonly stopReason: string
  readonly refusal: ReplyRefusal | undefined
  /** Claude's `stop_details`, where there is more to them than the refusal. */
  readonly stopDetails?: object
  /** Blocks that come first: the seams between models. */
  readonly seams?: readonly object[]
  readonly usage: TokenCounts & Pick<Usage, 'reasoningTokens'> & { readonly cost: number | undefined }
  readonly moreUsage: Readonly<Record<string, unknown>>
  readonly withoutUsage: boolean
  readonly model: string | undefined
}

interface Pieces {
  readonly chunks: number | undefined
  readonly thinking: readonly string[]
  readonly text: readonly string[]
}

/** Cutting a long text into pieces is most of the work of an answer, and a fixed reply comes again. */
const piecesOf = new WeakMap<Reply, Pieces>()

/** Decides what a reply left open. */
export function fullReply(reply: Reply, chunks: number | undefined, body: unknown): FullReply {
  let pieces = piecesOf.get(reply)
  if (pieces === undefined || pieces.chunks !== chunks) {
    pieces = { chunks, thinking: cut(reply.thinking ?? '', undefined), text: textPieces(reply, chunks) }
    piecesOf.set(reply, pieces)
  }
  const { thinking, text } = pieces
  const toolUse = reply.toolUse ?? []
  const reasoningTokens = reply.usage?.reasoningTokens ?? tokens(length(thinking))
  const said = length(text) + length(toolUse.map((tool) => JSON.stringify(tool.input) ?? ''))
  return {
    thinking: reply.thinkingOmitted ? [] : thinking,
    thinkingOmitted: reply.thinkingOmitted ?? false,
    text,
    toolUse,
    interleaved: reply.interleaved ?? false,
    thinkingField: reply.thinkingField ?? 'reasoning',
    refusal: reply.refusal,
    stopReason:
      reply.refusal !== undefined
        ? 'refusal'
        : (reply.stopReason ?? (toolUse.length > 0 ? 'tool_use' : 'end_turn')),
    usage: {
      inputTokens: reply.usage?.inputTokens ?? promptTokens(body),
      outputTokens: reply.usage?.outputTokens ?? tokens(said) + reasoningTokens,
      cacheReadTokens: reply.usage?.cacheReadTokens ?? 0,
      cacheWriteTokens: reply.usage?.cacheWriteTokens ?? 0,
      cacheWrite1hTokens: reply.usage?.cacheWrite1hTokens ?? 0,
      reasoningTokens,
      cost: reply.usage?.cost,
    },
    moreUsage: reply.moreUsage ?? {},
    withoutUsage: reply.withoutUsage ?? false,
    model: reply.model,
  }
}

/** A guess at the tokens of a prompt: what a real tokenizer says is of no use to a test. */
export function promptTokens(body: unknown): number {
  if (typeof body !== 'object' || body === null) return 1
  const { system, messages, tools, instructions, input } = body as Record<string, unknown>
  const prompt = [system, messages, tools, instructions, input]
  return Math.max(1, tokens(prompt.reduce((sum: number, part) => sum + characters(part), 0)))
}

function textPieces(reply: Reply, chunks: number | undefined): readonly string[] {
  if (reply.text !== undefined) return cut(reply.text, chunks)
  if (reply.refusal !== undefined || (reply.toolUse !== undefined && reply.toolUse.length > 0)) return []
  if (chunks === undefined) return cut(defaultText, undefined)
  const words = cut(`${defaultText} `, undefined)
  return Array.from({ length: chunks }, (_, i) => words[i % words.length] as string)
}

/** Cuts a text into words, or into so many pieces of one character or more. */
function cut(text: string, count: number | undefined): readonly string[] {
  if (text === '') return []
  if (count === undefined) return text.match(/\S+\s*|\s+/g) ?? []
  const pieces = Math.max(1, Math.min(count, text.length))
  const at = (i: number): number => {
    const index = Math.floor((i * text.length) / pieces)
    // Not between the two halves of a character.
    return (text.codePointAt(index - 1) ?? 0) > 0xffff ? index + 1 : index
  }
  return Array.from({ length: pieces }, (_, i) => text.slice(at(i), at(i + 1))).filter(
    (piece) => piece !== '',
  )
}

function length(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0)
}

function tokens(characters: number): number {
  return Math.ceil(characters / 4)
}

/** What an image counts, in tokens: one that has been scaled down as far as Claude does it. */
const imageTokens = 1_600

function characters(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  if ('type' in value && (value.type === 'image' || value.type === 'image_url')) return 4 * imageTokens
  let sum = 0
  for (const part of Object.values(value)) sum += characters(part)
  return sum
}

import type { Usage } from '@spillway/middleware'
import { hash32, RecentMap } from '@spillway/middleware/kit'
import { type PromptSize, promptTokens } from '@spillway/wire/internal'

/**
 * Conversations that are remembered; callers make them. Of further ones, those that were asked longest ago are forgotten, and
 * expected to be as others of their model. Each limit has its own, of 190 bytes with the map: it takes 0.9 MB for these.
 */
const mostConversations = 5_000

/** Prompts of one conversation that are remembered: a session of an agent has several at a time, of sub-agents. */
const mostTurns = 4

/** How far a prompt may shrink and still be the next turn: a message was replaced, or some fields were left out. */
const shrinks = 0.98

const minute = 60_000
const hour = 60 * minute

/** How long a vendor keeps a prompt in its cache, from its last use. */
const lifetime = 5 * minute

/** How much a new observation counts. */
const weight = 0.25

/** The part of a prompt that may be media, whose tokens are a guess, where it is to tell what the text is like. */
const mostMedia = 0.1

/** By how much of a prompt the first expectation may be wrong. */
const firstError = 0.02

/**
 * A prompt that has been answered: the beginning of the next one, and in the vendor's cache for a while. There are many: one object
 * each, of whole numbers, which are not allocated.
 */
export interface Turn extends PromptSize {
  textBytes: number
  mediaTokens: number
  /** All its tokens, as the vendor counted them. */
  total: number
  /** Those of them that are in the vendor's cache. */
  cached: number
  /** When it was sent. */
  at: number
  /** How long it stays in the cache, in milliseconds. */
  lifetime: number
  /** By how many tokens expectations have been wrong, on average. */
  error: number
  /** Another one of the same conversation. */
  other: Turn | undefined
}

/** What the prompt that follows a turn is expected to come to. */
export interface Expected {
  /** All its tokens. */
  readonly all: number
  /** Those that are not read from the cache. */
  readonly counted: number
  /** For how long that is so, in milliseconds: then the cache has forgotten. Infinity where it holds nothing. */
  readonly holdsFor: number
}

/** A prompt, to be compared with those before it. */
export interface Prompt {
  readonly size: PromptSize
  /** When it was asked, or is. */
  readonly at: number
}

/**
 * What the prompts of conversations came to. Each begins with the one before it, which the vendor has in its cache; so
 * what counts of the next one is what it has more, and what the cache did not take of the last.
 */
export class ConversationTurns {
  /** By the hash of the conversation. Of 5,000, one in 860,000 others is taken for one of them, for an estimate. */
  readonly #turns = new RecentMap<Turn, number>(mostConversations)

  has(conversation: string): boolean {
    return this.#turns.get(hash32(conversation)) !== undefined
  }

  /** The turn that a prompt most likely continues: the largest that is not larger. */
  before(conversation: string, size: PromptSize, bytesPerToken: number): Turn | undefined {
    const most = tokensIn(size, bytesPerToken)
    let best: Turn | undefined
    let bestTokens = -1
    for (let turn = this.#turns.get(hash32(conversation)); turn !== undefined; turn = turn.other) {
      const tokens = tokensIn(turn, bytesPerToken)
      if (tokens * shrinks > most || tokens <= bestTokens) continue
      best = turn
      bestTokens = tokens
    }
    return best
  }

  /**
   * Learns what a prompt came to.
   * @param before the turn that it was expected to continue
   * @param expected what of it was expected to count then
   */
  learn(conversation: string, prompt: Prompt, usage: Usage, before?: Turn, expected?: number): void {
    const key = hash32(conversation)
    const newest = this.#turns.get(key)
    const total = promptTokens(usage)
    const next: Turn = {
      textBytes: prompt.size.textBytes,
      mediaTokens: prompt.size.mediaTokens,
      total,
      cached: usage.cacheReadTokens + usage.cacheWriteTokens,
      at: Math.round(prompt.at),
      lifetime: lifetimeAfter(usage, prompt.at, before),
      error: Math.round(errorAfter(total, total - usage.cacheReadTokens, before, expected)),
      other: undefined,
    }
    const replaced = replacedBy(newest, before)
    if (replaced === undefined) next.other = newest
    else Object.assign(replaced, next, { other: replaced.other })
    this.#turns.set(key, replaced === undefined ? next : (newest as Turn))
  }
}

/** The turn whose place the next one takes: the one that it continues, else the oldest where there are many. */
function replacedBy(newest: Turn | undefined, before: Turn | undefined): Turn | undefined {
  let oldest = newest
  let turns = 0
  for (let turn = newest; turn !== undefined; turn = turn.other) {
    if (turn === before) return turn
    if (turn.at < (oldest as Turn).at) oldest = turn
    turns++
  }
  return turns < mostTurns ? undefined : oldest
}

/** What a prompt comes to that continues a turn. */
export function expectAfter(turn: Turn, { size, at }: Prompt, bytesPerToken: number): Expected {
  const last = tokensIn(turn, bytesPerToken)
  const growth = Math.max(0, tokensIn(size, bytesPerToken) - last)
  // The conversation tells better than all others of its model what its text is like.
  const media = Math.min(growth, Math.max(0, size.mediaTokens - turn.mediaTokens))
  const all = turn.total + media + (growth - media) * textRatio(turn, last)
  const left = turn.at + turn.lifetime - at
  if (left <= 0 || turn.cached === 0) return { all, counted: all, holdsFor: Infinity }
  return { all, counted: Math.max(0, all - turn.cached), holdsFor: left }
}

/** How many tokens of text there were for each that was expected; images would tell nothing of text. */
function textRatio({ total, mediaTokens }: Turn, expected: number): number {
  if (mediaTokens > total * mostMedia || expected <= mediaTokens) return 1
  return Math.min(2, Math.max(0.5, (total - mediaTokens) / (expected - mediaTokens)))
}

/** How many tokens a prompt has, as far as its size tells. */
export function tokensIn({ textBytes, mediaTokens }: PromptSize, bytesPerToken: number): number {
  return textBytes / bytesPerToken + mediaTokens
}

function lifetimeAfter(usage: Usage, at: number, before: Turn | undefined): number {
  if (usage.cacheWrite1hTokens > 0) return hour
  if (usage.cacheWriteTokens > 0 || before === undefined) return lifetime
  const isKept = at - before.at > before.lifetime && usage.cacheReadTokens > before.cached / 2
  return isKept ? hour : before.lifetime
}

/** A miss of the cache is rare and large: it is not let count for more than twice what is usual. */
function errorAfter(
  total: number,
  counted: number,
  before: Turn | undefined,
  expected: number | undefined,
): number {
  if (before === undefined || expected === undefined) return total * firstError
  const error = Math.min(Math.abs(counted - expected), 2 * before.error + total * (firstError / 2))
  return before.error + weight * (error - before.error)
}

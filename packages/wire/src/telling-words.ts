import type { FailureKind } from '@spillway/middleware'

/** What the words of an error say that nothing else in it does. */
export interface TellingWords {
  readonly kind: FailureKind
  /** When the vendor says that it will be over, in milliseconds since the Unix epoch. */
  readonly until?: number | undefined
}

/**
 * Beginnings of messages whose codes say too little: the vendor sends a code that other errors have too. Nowhere else
 * is a message looked at, since messages change, and quote what callers say.
 */
const beginnings: readonly (readonly [words: RegExp, kind: FailureKind])[] = [
  // Anthropic, 400 invalid_request_error: the prepaid balance is used up. Seen 2024 to 2026-08 (anthropics/claude-code#85675).
  [/^Your credit balance is too low\b/, 'billing'],
  // Anthropic, 400 invalid_request_error: a spend limit of the organization or the workspace (platform docs, rate limits;
  // seen to 2026-03 in anthropics/claude-code#38038).
  [/^You have reached your specified (?:\w+ )?API usage limits\b/, 'billing'],
  // Anthropic, 400 invalid_request_error. Seen to 2026-06 (anthropics/claude-code#72457).
  [/^This organization has been disabled\b/, 'billing'],
  // Ollama Cloud, in an error event that has no code (2026).
  [/^prompt (?:is )?too long\b/, 'invalid_request'],
]

/** "You will regain access on 2025-07-01 at 00:00 UTC." */
const regained = /\bregain access on (\d{4}-\d\d-\d\d) at (\d\d:\d\d) UTC\b/

/** Undefined for words that say nothing of their own. */
export function tellingWords(message: string): TellingWords | undefined {
  const found = beginnings.find(([words]) => words.test(message))
  if (found === undefined) return undefined
  const [, day, time] = regained.exec(message) ?? []
  const until = day === undefined ? Number.NaN : Date.parse(`${day}T${time}Z`)
  return { kind: found[1], until: Number.isNaN(until) ? undefined : until }
}

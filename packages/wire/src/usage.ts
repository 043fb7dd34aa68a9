import type { Usage } from '@spillway/middleware'

/** Any number in its place, else 0: counts may be null, missing or nonsense, and never break a call. */
export function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0
}

/** A property of a value that may be anything. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

export function stringField(value: unknown, name: string): string | undefined {
  const found = field(value, name)
  return typeof found === 'string' ? found : undefined
}

/** Roughly how many tokens a text of so many bytes has; for streams whose last word on usage is missing. */
export function tokensFromBytes(bytes: number): number {
  return Math.ceil(bytes / 3.5)
}

/** The larger of what was reported and what the received content suggests, marked as an estimate. */
export function estimatedUsage(reported: Usage | undefined, contentBytes: number): Usage | undefined {
  const guess = tokensFromBytes(contentBytes)
  if (reported === undefined) {
    return guess === 0 ? undefined : { ...noUsage, outputTokens: guess, estimated: true }
  }
  return { ...reported, outputTokens: Math.max(reported.outputTokens, guess), estimated: true }
}

const noUsage: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  estimated: false,
}

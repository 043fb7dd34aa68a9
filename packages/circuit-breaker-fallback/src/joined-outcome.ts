import type { Outcome, Usage } from '@spillway/middleware'

/**
 * The outcome of an answer that several targets gave one after the other: it failed if the last part did, and it used
 * what all parts used. Each part's own outcome is in its attempt's events.
 */
export async function joinOutcomes(parts: readonly Promise<Outcome>[]): Promise<Outcome> {
  const outcomes = await Promise.all(parts)
  const first = outcomes[0] as Outcome
  const last = outcomes.at(-1) as Outcome
  if (first === last) return first
  return {
    failure: last.failure,
    usage: outcomes.map(({ usage }) => usage).reduce(sum),
    stopReason: last.stopReason,
    model: last.model,
    timings: { ...first.timings, end: last.timings.startedAt + last.timings.end - first.timings.startedAt },
    outputChunks: outcomes.reduce((chunks, outcome) => chunks + (outcome.outputChunks ?? 0), 0),
    bytes: outcomes.reduce((bytes, outcome) => bytes + outcome.bytes, 0),
  }
}

function sum(a: Usage | undefined, b: Usage | undefined): Usage | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    cacheWrite1hTokens: a.cacheWrite1hTokens + b.cacheWrite1hTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    // Half of a price is no price.
    cost: a.cost === undefined || b.cost === undefined ? undefined : a.cost + b.cost,
    estimated: a.estimated || b.estimated,
    ...((a.isPromptEstimated || b.isPromptEstimated) && { isPromptEstimated: true }),
  }
}

import type { Usage } from '@spillway/middleware'
import { bytesIn, type JsonBody } from '@spillway/middleware/kit'
import { estimatePromptTokens } from './prompt-estimate.ts'
import { promptSizeOf } from './prompt-size.ts'
import { promptTokens, tokensFromBytes } from './usage.ts'

/** What an answer's vendor told of its usage, and what was seen of the answer. */
export interface ReportedUsage {
  readonly usage: Usage | undefined
  /** Whether that is the vendor's last word. */
  readonly isFinal: boolean
  /** Roughly how many tokens the answer has that has been seen. */
  readonly outputTokens: number
}

/**
 * The usage of an answer: what its vendor told where that is all of it, else completed by estimates and marked so. An answer
 * that was given is never an exact 0: no prompt is empty, and what was written was used.
 */
export function completedUsage(told: ReportedUsage, prompt: JsonBody): Usage {
  const { usage, isFinal, outputTokens } = told
  const hasPrompt = promptTokens(usage) > 0
  if (usage !== undefined && isFinal && hasPrompt && (usage.outputTokens > 0 || outputTokens === 0))
    return usage
  const known = usage ?? noUsage
  const output =
    isFinal && known.outputTokens > 0 ? known.outputTokens : Math.max(known.outputTokens, outputTokens)
  const completed = { ...known, outputTokens: output, estimated: true }
  if (hasPrompt) return completed
  return { ...completed, inputTokens: guessedPromptTokens(prompt), isPromptEstimated: true }
}

/** Larger bodies are not parsed for a guess. */
const largestParsed = 64 * 1024

/** Roughly how many tokens the prompt of a body has, whatever is in it. */
function guessedPromptTokens(body: JsonBody): number {
  if (bytesIn(body) <= largestParsed) {
    try {
      return estimatePromptTokens(body.json)
    } catch {
      // Only the upstream can judge such a body.
    }
  }
  const { textBytes, mediaTokens } = promptSizeOf(body)
  return tokensFromBytes(textBytes) + mediaTokens
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

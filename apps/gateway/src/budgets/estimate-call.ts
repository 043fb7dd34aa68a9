import type { BudgetEstimate } from '@spillway/budgets'
import type { ModelRequest } from '@spillway/middleware'
import { fieldOf } from '@spillway/middleware/kit'
import { promptSizeOf } from '@spillway/wire/internal'
import type { CallSize, Quote } from './quotes.ts'

/** What an answer may have where a call does not say: as much as most models write at most without being asked for more. */
export const assumedOutput = 32_000

/** Fewer bytes than a token usually has, so that prompts are rather over-estimated. */
const bytesPerToken = 3.5

/** Answers that chat completions may ask for at once. */
const mostChoices = 128

const longestNumber = 64

/** What a call may use: its prompt by its size, its answer by what it allows for it. */
export function estimateCall(
  request: ModelRequest,
  quote: ((request: ModelRequest, size: CallSize) => Quote | undefined) | undefined,
): BudgetEstimate {
  const { textBytes, mediaTokens } = promptSizeOf(request.body)
  const prompt = Math.ceil(textBytes / bytesPerToken) + mediaTokens
  const output = outputOf(request)
  const price = quote?.(request, { prompt, output })
  return {
    most: { requests: 1, tokens: prompt + output, usd: price?.most },
    expected: { requests: 1, tokens: prompt, usd: price?.least },
  }
}

function outputOf(request: ModelRequest): number {
  const asked =
    numberIn(request, 'max_tokens') ??
    numberIn(request, 'max_completion_tokens') ??
    numberIn(request, 'max_output_tokens') ??
    assumedOutput
  const choices = request.api === 'openai' ? (numberIn(request, 'n') ?? 1) : 1
  return Math.ceil(asked * Math.max(1, Math.min(choices, mostChoices)))
}

function numberIn({ body }: ModelRequest, field: string): number | undefined {
  try {
    const value = fieldOf(body, field, longestNumber)
    return typeof value === 'number' && value >= 0 ? value : undefined
  } catch {
    // Only the upstream can judge such a body.
    return undefined
  }
}

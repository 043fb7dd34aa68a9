import type { Api, Failure } from '@spillway/middleware'

/** How servers say that a prompt is longer than the model's context. */
const tooLongCodes: ReadonlySet<string> = new Set([
  'context_length_exceeded',
  'exceed_context_size_error',
  'token_limit_exceeded',
  'model_max_prompt_tokens_exceeded',
])
const tooLongMessage = new RegExp(
  [
    String.raw`prompt (?:is )?too long`,
    String.raw`max(?:imum)? context length`,
    String.raw`exceeds the context window`,
    String.raw`exceeds? the (?:available )?context`,
    String.raw`input length and \`max_tokens\` exceed`,
    // Poolside, Volcano; Gemini; vLLM of before; SGLang; xAI; Bedrock.
    String.raw`input length \d+ exceeds the maximum`,
    String.raw`input token count .{0,40}exceeds the maximum`,
    String.raw`prompt \((?:total )?length \d+\) is (?:longer than|too long)`,
    String.raw`input .{0,40}is longer than the model's context`,
    String.raw`maximum prompt length is \d`,
    String.raw`^input is too long for requested model`,
    // LM Studio; Kimi.
    '^the number of tokens to keep from the initial prompt',
    String.raw`^trying to keep the first \d+ tokens`,
    '^cannot truncate prompt with n_keep',
    'request exceeded model token limit',
    '^input token length too long',
  ].join('|'),
  'i',
)

/** The words that the clients of each protocol know, in any case (Claude Code 2.1.330), and those that are put before others. */
const tooLongWords: Readonly<Record<Api, { readonly known: RegExp; readonly said: string }>> = {
  anthropic: {
    known: /prompt is too long|input length and `max_tokens` exceed/i,
    said: 'prompt is too long',
  },
  openai: { known: /maximum context length/i, said: "this exceeds the model's maximum context length" },
  responses: {
    known: /context window|maximum context length/i,
    said: "this exceeds the model's context window",
  },
}

/** Whether a failure says that the prompt is longer than the model's context. */
export function isTooLong({ code, message }: Failure): boolean {
  return tooLongCodes.has(code ?? '') || tooLongMessage.test(message)
}

/** A failure whose message the clients of a protocol understand. */
export function wordedFor(api: Api, failure: Failure): Failure {
  const { message, origin } = failure
  if (origin === 'spillway' || failure.kind === 'rate_limited' || !isTooLong(failure)) return failure
  const { known, said } = tooLongWords[api]
  return known.test(message) ? failure : { ...failure, message: `${said}: ${message}` }
}

/** Claude models released up to Opus 4.6 take sampling parameters; later ones refuse all but the defaults. */
const claudeWithSampling =
  /claude-(?:v?[123](?!\d)|instant|(?:opus|sonnet|haiku)-4(?:-[0-6])?(?!\d|-\d{1,2}(?!\d)))/

/** OpenAI's models that think: o1, GPT-5, and what came after them. */
const openAiThinker = /(?:^|\/)(?:o\d|gpt-[5-9]|codex)/

/** Whether a model is one of OpenAI's that think: it takes an effort and no sampling. Prefixes of resellers are fine. */
export function isOpenAiReasoningModel(model: string): boolean {
  return openAiThinker.test(model.toLowerCase())
}

/** Whether a model is one of OpenAI's that never think, and refuse to be asked how hard. */
export function isOpenAiNonReasoningModel(model: string): boolean {
  return /(?:^|\/)gpt-[34]/.test(model.toLowerCase())
}

/**
 * Whether a model takes a `temperature` of one's choice. Prefixes of resellers (`anthropic/…`) are fine.
 * @param version the `anthropic-version` of the request; from `2026-10-21` on no model takes one
 */
export function acceptsTemperature(model: string, version?: string): boolean {
  if (version !== undefined && version >= '2026-10-21') return false
  const name = model.toLowerCase()
  if (name.includes('claude')) return claudeWithSampling.test(name.replaceAll('.', '-'))
  return !isOpenAiReasoningModel(name)
}

/** Claude models up to 4.5 go on from a last turn of the assistant's; later ones refuse it. */
const claudeWithPrefill =
  /claude-(?:v?[123](?!\d)|instant|(?:opus|sonnet|haiku)-4(?:-[0-5])?(?!\d|-\d{1,2}(?!\d)))/

/** Whether a model is known to go on from a beginning of its answer, given as a last turn of the assistant's. */
export function acceptsPrefill(model: string): boolean {
  return claudeWithPrefill.test(model.toLowerCase().replaceAll('.', '-'))
}

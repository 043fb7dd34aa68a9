/** Claude models released up to Opus 4.6 take sampling parameters; later ones refuse all but the defaults. */
const claudeWithSampling = /claude-(?:[123]|instant|(?:opus|sonnet|haiku)-4(?:-[0-6])?(?![\d.-]*[7-9]\b))/

/** OpenAI's reasoning models take none either. */
const withoutSampling = /(?:^|\/)(?:o\d|gpt-5)/

/**
 * Whether a model takes a `temperature` of one's choice. Prefixes of resellers (`anthropic/…`) are fine.
 * @param version the `anthropic-version` of the request; from `2026-10-21` on no model takes one
 */
export function acceptsTemperature(model: string, version?: string): boolean {
  if (version !== undefined && version >= '2026-10-21') return false
  const name = model.toLowerCase()
  if (name.includes('claude')) return claudeWithSampling.test(name.replaceAll('.', '-'))
  return !withoutSampling.test(name)
}

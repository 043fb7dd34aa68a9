import { fieldOf, type JsonBody } from '@spillway/middleware/kit'

const fields = ['max_tokens', 'max_completion_tokens', 'max_output_tokens'] as const

/** Why a call asks for more tokens than its client may have, or leaves open how many; undefined where it does not. */
export function tokensRefusal(name: string, most: number, body: JsonBody): string | undefined {
  const given = fields
    .map((field) => [field, fieldOf(body, field)] as const)
    .filter(([, value]) => value !== undefined && value !== null)
  if (given.length === 0)
    return `max_tokens is missing: ${name} may ask for at most ${most}, and has to say so`
  const [field] = given.find(([, value]) => typeof value !== 'number' || value > most) ?? []
  if (field !== undefined) return `${field}: ${name} may ask for at most ${most}`
  // OpenAI's: so many answers, each as long as that.
  const answers = fieldOf(body, 'n')
  const largest = Math.max(...given.map(([, value]) => value as number))
  if (
    answers !== undefined &&
    answers !== null &&
    !(typeof answers === 'number' && answers * largest <= most)
  )
    return `n: ${name} may ask for at most ${most} tokens, in all answers of a call together`
  return inFallbacks(body).some(
    (value) => value !== undefined && !(typeof value === 'number' && value <= most),
  )
    ? `fallbacks: ${name} may ask for at most ${most} max_tokens, also of another model`
    : undefined
}

/** Anthropic's `fallbacks` may have a `max_tokens` each. */
function inFallbacks(body: JsonBody): readonly unknown[] {
  return [fieldOf(body, 'fallbacks')]
    .flat()
    .map((each) =>
      typeof each === 'object' && each !== null ? (each as { max_tokens?: unknown }).max_tokens : undefined,
    )
}

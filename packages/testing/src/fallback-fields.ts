import { type Call, fieldsOf, type Refusal } from './answer.ts'

/** What grants the fields of a fallback credit; the last two are the newer and the older form. */
const creditBetas = [
  'server-side-fallback-2026-06-01',
  'server-side-fallback-2026-07-01',
  'fallback-credit-2026-06-01',
  'fallback-credit-2026-07-01',
]

/** The betas that a request asks for. */
export function betasOf({ request }: Call): ReadonlySet<string> {
  const header = request.headers['anthropic-beta'] ?? ''
  return new Set(header.split(',').flatMap((name) => name.trim() || []))
}

/** Whether refusals carry a token, and retries may. */
export function grantsCredit(call: Call): boolean {
  const betas = betasOf(call)
  return creditBetas.some((beta) => betas.has(beta))
}

/** The token of a retry, and the result of the retry where it fails. */
export interface CreditField {
  readonly token: string
  readonly mode: 'strict' | 'best_effort'
}

/** The token that a request carries; undefined without one, and what is wrong with the field. */
export function creditField(call: Call): CreditField | Refusal | undefined {
  const { fallback_credit_token: field, fallbacks } = fieldsOf(call.request.json)
  if (field === undefined || field === null) return undefined
  if (!grantsCredit(call)) return bad('Extra inputs are not permitted')
  if (fallbacks != null) return bad('cannot be combined with `fallbacks`')
  if (typeof field === 'string') return { token: field, mode: 'strict' }
  if (!betasOf(call).has('fallback-credit-2026-07-01')) return bad('Input should be a valid string')
  const { token, mode = 'strict' } = fieldsOf(field)
  if (typeof token !== 'string') return bad('token: Field required')
  if (mode !== 'strict' && mode !== 'best_effort')
    return bad("mode: Input should be 'strict' or 'best_effort'")
  return { token, mode }
}

/** A 400 that names the field. */
export function bad(message: string): Refusal {
  return { status: 400, message: `fallback_credit_token: ${message}` }
}

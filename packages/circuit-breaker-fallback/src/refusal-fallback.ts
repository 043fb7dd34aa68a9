import {
  deriveRequest,
  type Handler,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
} from '@spillway/middleware'
import { fieldOf } from '@spillway/middleware/kit'
import { header } from '@spillway/wire/internal'
import { RefusalChain } from './refusal-chain.ts'
import { type RefusalFallbackOptions, type RefusalSettings, refusalSettings } from './refusal-options.ts'
import { withCreditBeta } from './refusal-retry.ts'
import { withoutSeams } from './refused-history.ts'
import { streamedAnswer } from './refused-stream.ts'
import { wholeAnswer } from './refused-whole.ts'

/**
 * Asks another Claude model when one declines (`stop_reason: refusal`), at the same endpoint and with the vendor's credit for
 * the prompt cache: the answer is one message, with a `fallback` block where the model changes. Where all decline, the last
 * refusal is the answer. Its place is outside of everything that belongs to a model (retries, limits, circuits), inside
 * `fallback`.
 *
 * It stays out of the way of callers who ask for the same elsewhere (`fallbacks`, `fallback_credit_token` in the body), of
 * the protocols of OpenAI, of calls in the form of a cloud, and of shadow calls.
 * @throws RangeError for options out of range, TypeError where no model could ever be asked
 */
export function refusalFallback(options: RefusalFallbackOptions): Middleware {
  const settings = refusalSettings(options)
  const goingOn: Middleware = (next) => (call) => {
    if (call.api !== 'anthropic' || call.venue !== undefined || call.context.isShadow) return next(call)
    let clean: ModelRequest
    try {
      if (isHandledElsewhere(call)) return next(call)
      clean = withoutSeams(call)
    } catch (error) {
      // Bodies that are no JSON are for the upstream to judge.
      return error instanceof SyntaxError ? next(call) : Promise.reject(error)
    }
    const isAlone = settings.modelsFor(call.model)?.length === 0
    return isAlone || call.operation !== 'generate' ? next(clean) : answer(settings, next, call, clean)
  }
  return named(goingOn, 'refusal fallback', { options: { models: options.models } })
}

function isHandledElsewhere({ body }: ModelRequest): boolean {
  return fieldOf(body, 'fallbacks') != null || fieldOf(body, 'fallback_credit_token') != null
}

async function answer(
  settings: RefusalSettings,
  next: Handler,
  call: ModelRequest,
  clean: ModelRequest,
): Promise<ModelResponse> {
  const held = deriveRequest(clean, { holdRefusal: true })
  const request = settings.credit ? withCreditBeta(held) : held
  const first = settings.settled.modelFor(call) ?? call.model
  const response = await next(deriveRequest(request, { model: first }))
  if (response.failure !== undefined) return response
  const chain = new RefusalChain(settings, next, { call, request, first, target: response.target })
  const isStream = header(response.headers, 'content-type')?.startsWith('text/event-stream') === true
  return isStream ? streamedAnswer(chain, request, response, first) : wholeAnswer(chain, response, first)
}

import type { ModelRequest } from '@spillway/middleware'
import type { CostFacts } from '@spillway/usage'

/** What a request asks for that changes its price: `speed` and `inference_geo`. */
export function requestPricing({ body }: ModelRequest): Pick<CostFacts, 'speed' | 'geo'> {
  let json: { readonly [name: string]: unknown } = {}
  try {
    json = body.json
  } catch {
    // Only the upstream can judge such a body.
  }
  const { speed, inference_geo: geo } = json
  return { ...(typeof speed === 'string' && { speed }), ...(typeof geo === 'string' && { geo }) }
}

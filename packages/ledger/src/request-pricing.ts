import type { ModelRequest } from '@spillway/middleware'
import { fieldOf, type JsonBody } from '@spillway/middleware/kit'
import type { CostFacts } from '@spillway/usage'

/** More bytes than any such word has. */
const longest = 256

/** What a request asks for that changes its price: `speed` and `inference_geo`. */
export function requestPricing({ body }: ModelRequest): Pick<CostFacts, 'speed' | 'geo'> {
  const speed = textField(body, 'speed')
  const geo = textField(body, 'inference_geo')
  return { ...(speed !== undefined && { speed }), ...(geo !== undefined && { geo }) }
}

function textField(body: JsonBody, name: string): string | undefined {
  try {
    const value = fieldOf(body, name, longest)
    return typeof value === 'string' ? value : undefined
  } catch {
    // Only the upstream can judge such a body.
    return undefined
  }
}

import { type PriceTable, pricesAt } from '@spillway/usage'
import { bedrockIds } from '@spillway/venues'
import type { EndpointConfig, TargetConfig } from '../config/config.ts'
import { priceTableOf } from '../config/prices.ts'
import { isVenue } from '../config/venue-config.ts'
import { modelsAt } from './venue-profile.ts'

/** What the models of an endpoint cost; undefined where that is what is published for its API. */
export function pricesOfEndpoint(target: TargetConfig, endpoint: EndpointConfig): PriceTable | undefined {
  const own = priceTableOf(target)
  const { api } = endpoint
  if (!isVenue(api)) return own
  const ids = modelsAt(target, endpoint)
  return pricesAt(api, (model) => staysInRegion(endpoint, model, ids), own)
}

/** Whether what a model answers there stays in one region or part of the world, which costs more. */
function staysInRegion(
  { api, region = '', location }: EndpointConfig,
  model: string,
  ids: Readonly<Record<string, string>>,
): boolean {
  if (api === 'bedrock') return !/^(?:.*\/)?global\./.test(ids[model] ?? bedrockIds(model, region)[0] ?? '')
  if (api === 'bedrock-mantle') return true
  if (api === 'vertex') return region !== 'global'
  return api === 'claude-google' && location !== 'global'
}

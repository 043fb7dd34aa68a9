import type { EndpointConfig } from '../config/config.ts'
import { isVenue } from '../config/venue-config.ts'

/**
 * What endpoints with the same limits and the same health of their key have in common: their credential; at a cloud its region as
 * well, since clouds limit by that. Undefined without a credential.
 */
export function keyOf({ api, region, location, credential }: EndpointConfig): string | undefined {
  if (credential === undefined || credential === 'caller' || !isVenue(api)) return credential
  return [api, region ?? location, credential].filter(Boolean).join('/')
}

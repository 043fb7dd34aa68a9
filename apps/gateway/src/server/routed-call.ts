import type { IncomingMessage } from 'node:http'
import type { Failure, RequestContext } from '@spillway/middleware'
import { firstPartyName } from '@spillway/venues'
import type { RecognisedCall } from '@spillway/wire'
import type { Route, Router } from '../router.ts'
import { isAtCloud } from './call-paths.ts'

/** Where a call goes, and as whose. */
export interface RoutedCall {
  readonly route: Route
  /** By the name that targets know. */
  readonly model: string
  readonly callersCloud?: RequestContext['callersCloud']
}

/**
 * The route of a call. A cloud's own name of a model is the model that Anthropic's API knows by another one; routes may serve it by
 * both. On first-party paths names are taken as they are, unless no route serves them: clients of clouds use these paths too.
 */
export function routeOf(
  router: Router,
  asked: string,
  { url = '/' }: IncomingMessage,
  { venue }: RecognisedCall,
): RoutedCall | Failure {
  const callersCloud = venue ?? (isAtCloud(url) ? 'cloud' : undefined)
  if (callersCloud !== undefined) {
    const model = firstPartyName(asked)
    const route = router(model, asked)
    return 'handler' in route ? { route, model, callersCloud } : route
  }
  const route = router(asked)
  if ('handler' in route) return { route, model: asked }
  const model = firstPartyName(asked)
  const other = model === asked ? route : router(model)
  return 'handler' in other ? { route: other, model } : route
}

import { type Middleware, named } from '@spillway/middleware'
import { omitHeaders } from '@spillway/wire/internal'

/** An upstream may be a Spillway too, or pose as one: its headers are not this gateway's. */
export const withoutForeignSpillway: Middleware = named<Middleware>(
  (next) => async (request) => {
    const response = await next(request)
    const headers = omitHeaders(response.headers, (name) => name.startsWith('x-spillway-'))
    return headers === response.headers ? response : { ...response, headers }
  },
  'upstream headers',
  { hidden: true },
)

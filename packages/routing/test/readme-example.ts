import { attempt, fetchTransport, modelFetch } from '@spillway/attempt'
import { balance } from '@spillway/routing'

/** One endpoint: the fetch that you have, with another key. */
const withKey = (key: string) =>
  attempt(
    fetchTransport((url, init) => {
      const headers = new Headers(init?.headers)
      headers.set('x-api-key', key)
      return fetch(url, { ...init, headers })
    }),
  )

export const balancedFetch = modelFetch(
  balance([
    { name: 'team', handler: withKey('sk-ant-team'), weight: 2 },
    { name: 'spare', handler: withKey('sk-ant-spare') },
  ]),
  { otherwise: fetch },
)

import type { IncomingMessage } from 'node:http'
import { expect, it } from 'vitest'
import { newClientKey } from '../clients/client-key.ts'
import { permissionsOf } from '../clients/permissions.ts'
import { admitClient } from './client-door.ts'

const key = newClientKey()
const client = {
  ...{ name: 'web', team: undefined, models: undefined, mayUse: undefined, maxTokens: undefined },
  permissions: permissionsOf(['chat']),
}
const clients = { check: (given: string) => (given === key ? client : ('unknown' as const)) }

function requestOf(headers: Record<string, string>, url = '/v1/messages') {
  return { headers: { ...headers }, url } as unknown as IncomingMessage
}

it('whatever is presented is gone afterwards, also on paths without a key and where it is refused', () => {
  const presented = {
    ...{ authorization: `Bearer ${key}`, 'x-api-key': key, 'api-key': key, 'x-goog-api-key': 'g' },
    ...{ 'proxy-authorization': 'Basic x', cookie: 'spillway-session=x', accept: '*/*' },
  }
  for (const path of ['/v1/messages', '/healthz', '/metrics', '/nothing']) {
    const request = requestOf(presented, path)
    admitClient(request, path, clients)
    expect(request.headers).toEqual({ accept: '*/*' })
  }
  const refused = requestOf({ 'x-api-key': newClientKey() })
  expect(admitClient(refused, '/v1/messages', clients)).toMatchObject({ kind: 'authentication' })
  expect(refused.headers).toEqual({})
})

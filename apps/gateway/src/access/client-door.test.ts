import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { newClientKey } from '../clients/client-key.ts'
import { permissionsOf } from '../clients/permissions.ts'
import { admitClient } from './client-door.ts'

const key = newClientKey()
const client = {
  ...{ name: 'web', team: undefined, models: undefined, mayUse: undefined, maxTokens: undefined },
  permissions: permissionsOf(['chat']),
}
const clients = { check: (given: string) => (given === key ? client : ('unknown' as const)) }

function requestOf(headers: Record<string, string>, url = '/v1/messages', remoteAddress = '192.0.2.1') {
  return { headers: { ...headers }, url, socket: { remoteAddress } } as unknown as IncomingMessage
}

test('whatever is presented is gone afterwards, also on paths without a key and where it is refused', () => {
  const presented = {
    ...{ authorization: `Bearer ${key}`, 'x-api-key': key, 'api-key': key, 'x-goog-api-key': 'g' },
    ...{ 'proxy-authorization': 'Basic x', accept: '*/*' },
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

test.each([
  ['127.0.0.1', {}, true],
  ['::1', {}, true],
  ['::ffff:127.0.0.1', {}, true],
  ['192.0.2.1', {}, false],
  ['::ffff:192.0.2.1', {}, false],
  ['fe80::1%eth0', {}, false],
  ['127.0.0.1', { 'x-forwarded-for': '192.0.2.1' }, false],
  ['127.0.0.1', { forwarded: 'for=192.0.2.1' }, false],
  ['127.0.0.1', { via: '1.1 proxy' }, false],
  ['127.0.0.1', { 'x-forwarded-host': 'gateway.example.com' }, false],
  ['192.0.2.1', { 'x-forwarded-for': '127.0.0.1' }, false],
  ['192.0.2.1', { authorization: `Bearer ${key}` }, false],
] as const)(
  'the paths of the operator are asked from %s with %j: admitted %s',
  (address, headers, isAdmitted) => {
    for (const path of ['/', '/metrics', '/api/overview', '/assets/a.js']) {
      const admitted = admitClient(requestOf(headers, path, address), path, clients)
      expect('kind' in admitted ? admitted.kind : admitted.client).toBe(isAdmitted ? undefined : 'permission')
    }
  },
)

import { expect, it } from 'vitest'
import { neededAt } from './operator-paths.ts'

it.each([
  ['GET', '/', 'nothing'],
  ['HEAD', '/', 'nothing'],
  ['GET', '/assets/index.js', 'nothing'],
  ['POST', '/api/login', 'nothing'],
  ['GET', '/api/login', 'nothing'],
  ['POST', '/api/logout', 'nothing'],
  ['GET', '/metrics', 'metrics'],
  ['POST', '/metrics', 'metrics'],
  ['GET', '/api', 'admin:read'],
  ['GET', '/api/', 'admin:read'],
  ['HEAD', '/api/calls', 'admin:read'],
  ['GET', '/api/calls/1', 'admin:read'],
  ['GET', '/api/calls/1/content', 'admin:content'],
  ['HEAD', '/api/calls/1/content', 'admin:content'],
  ['GET', '/api/calls/a%2fb/content', 'admin:content'],
  ['POST', '/api/targets', 'admin:write'],
  ['PATCH', '/api/clients/web', 'admin:write'],
  ['OPTIONS', '/api/clients', 'admin:write'],
  ['QUERY', '/api/calls', 'admin:write'],
  ['GET', '/api/login/', 'admin:read'],
  ['GET', '/api/Login', 'admin:read'],
  ['GET', '/api/../metrics', 'admin:read'],
  ['GET', '/api/oauthx', 'admin:read'],
  ['GET', '/api/oauth/usage', undefined],
  ['POST', '/api/v1/messages', undefined],
  ['POST', '/v1/messages', undefined],
  ['GET', '//api/calls', undefined],
  ['GET', '/API/calls', undefined],
  ['GET', '/api%2fcalls', undefined],
  ['GET', '/apis', undefined],
  ['GET', '/metrics/x', undefined],
  ['GET', '/healthz', undefined],
] as const)('%s %s needs %s', (method, path, needed) => {
  expect(neededAt(path, method)).toBe(needed)
})

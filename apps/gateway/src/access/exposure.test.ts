import { expect, it } from 'vitest'
import { exposureProblem, exposureWarning, isOnThisMachine, isReachable } from './exposure.ts'

it.each([
  ['127.0.0.1', false],
  ['127.0.0.2', false],
  ['::1', false],
  ['0:0:0:0:0:0:0:1', false],
  ['::ffff:127.0.0.1', false],
  ['localhost', false],
  ['LOCALHOST', false],
  ['0.0.0.0', true],
  ['::', true],
  ['', true],
  ['::ffff:0.0.0.0', true],
  ['192.168.1.5', true],
  ['fe80::1%eth0', true],
  ['gateway.internal', true],
  ['app.localhost', true],
  ['127.1', true],
])('other machines may reach %j: %s', (host, expected) => {
  expect(isReachable(host)).toBe(expected)
})

it.each([
  ['http://127.0.0.1:11434', true],
  ['http://[::1]:11434/v1', true],
  ['https://LOCALHOST', true],
  ['http://app.localhost', false],
  ['http://127.0.0.1.example.com', false],
  ['http://localhost@example.com', false],
  ['no URL', false],
])('%s leads to this machine: %s', (url, expected) => {
  expect(isOnThisMachine(url)).toBe(expected)
})

it('listening where other machines reach it has to be meant', () => {
  const host = '0.0.0.0'
  const problem = exposureProblem({ host, auth: 'none' })
  expect(problem).toContain('anyone who can reach the port spends your keys')
  expect(problem).toContain('server.exposed: true')
  expect(exposureProblem({ host, auth: 'none', exposed: false })).toBe(problem)
  expect(exposureProblem({ host, auth: 'none', exposed: true })).toBeUndefined()
  expect(exposureProblem({ host, auth: 'keys' })).toBeUndefined()
})

it('a warning comes only where it is meant', () => {
  expect(exposureWarning({ host: '', auth: 'none', exposed: true })).toMatch(
    /^every address of this machine can/,
  )
  expect(exposureWarning({ host: '127.0.0.1', auth: 'none', exposed: true })).toBeUndefined()
  expect(exposureWarning({ host: '::', auth: 'keys', exposed: true })).toBeUndefined()
})

import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../src/config/load-config.ts'
import { startGateway } from '../src/gateway.ts'
import { openGatewayLog } from '../src/log/gateway-log.ts'
import { configOf, forThisTest, targetAt } from './gateway.ts'
import { messages, send } from './raw-client.ts'

/** A gateway, and the lines of its log. */
async function gatewayWith(format: 'json' | 'pretty') {
  const claude = forThisTest(await startClaude())
  const { config } = parseConfig(
    stringify({
      ...configOf(targetAt(claude, 'anthropic')),
      routes: [{ models: 'claude-*', target: 'claude' }],
      server: { maxRequestBytes: '1MiB', log: { format } },
    }),
    'f',
  )
  const said: string[] = []
  const lines = { out: (line: string) => said.push(line), err: (line: string) => said.push(line) }
  const log = await openGatewayLog({
    config,
    lines: { ...lines, dropped: () => ({ stdout: 0, stderr: 0 }), flush: async () => {} },
  })
  const gateway = await startGateway(config, {
    ...{ port: 0, stateFolder: null, log: () => {} },
    onAnswer: (call) => log.call(call),
    onRefused: (request) => log.refused(request),
  })
  forThisTest({ close: () => gateway.close(0) })
  return { url: gateway.url, said, log }
}

it('each request that is refused before it has a route is a line, with its call and why', async () => {
  const { url, said, log } = await gatewayWith('json')
  const asked = [
    await send(`${url}/v1/messages`, { body: messages({ model: 'gpt-nobody' }) }),
    await send(`${url}/v1/messages`, { body: '{"no' }),
    await send(`${url}/v1/messages`, { body: messages({ system: 'x'.repeat(2 ** 20) }) }),
    await send(`${url}/v1/v1/messages?key=sk-ant-secret`, { body: messages() }),
    await send(`${url}/v1/messages`, { body: messages(), headers: { host: 'evil.test' } }),
  ]
  const facts = said.map((line) => JSON.parse(line))
  expect(facts.map(({ event, level, status, outcome }) => [event, level, status, outcome])).toEqual([
    ['refused', 'warn', 404, 'not_found'],
    ['refused', 'warn', 400, 'invalid_request'],
    ['refused', 'warn', 413, 'too_large'],
    ['refused', 'warn', 404, 'not_found'],
    ['refused', 'warn', 403, 'permission'],
  ])
  expect(facts.map(({ status }) => status)).toEqual(asked.map(({ status }) => status))
  for (const [index, { call }] of facts.slice(0, 3).entries())
    expect(call).toBe(asked[index]?.headers['x-spillway-call-id'])
  expect(facts[0]).toMatchObject({
    method: 'POST',
    path: '/v1/messages',
    reason: expect.stringContaining('gpt-nobody'),
  })
  expect(said.join('')).not.toContain('secret')
  log.summary()
  expect(JSON.parse(said.at(-1) ?? '')).toMatchObject({ event: 'summary', calls: 0, refused: 5 })
})

it('lines for people have the same, and those of calls have their route', async () => {
  const { url, said } = await gatewayWith('pretty')
  await send(`${url}/v1/messages`, { body: messages({ model: 'gpt-nobody' }) })
  await send(`${url}/v1/messages`, { body: messages() })
  expect(said[0]).toMatch(/refused .*not_found .*404 .*POST \/v1\/messages .*gpt-nobody.*call=[\w-]+/)
  expect(said[1]).toMatch(/claude .*ok .*call=[\w-]+ route=claude-\*/)
})

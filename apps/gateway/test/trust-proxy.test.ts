import { startClaude } from '@spillway/testing'
import { expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { ConfigError, parseConfig, startGateway } from '../src/index.ts'
import { clientsOf } from './clients.ts'
import { configOf, forThisTest, ownKey, targetAt } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const asProxy = {
  'x-forwarded-for': '127.0.0.1, 198.51.100.7',
  'x-forwarded-proto': 'https',
  host: 'gateway.example',
}

async function started(server: object) {
  const claude = forThisTest(await startClaude())
  const { config } = parseConfig(
    stringify(
      configOf(targetAt(claude, 'anthropic'), undefined, {
        server: { allowedHosts: ['*.example'], ...server },
      }),
    ),
    'test.yaml',
  )
  const refused: (string | undefined)[] = []
  const gateway = await startGateway(config, { port: 0, onRefused: ({ from }) => refused.push(from) })
  onTestFinished(() => gateway.close(0))
  return { gateway, config, claude, refused }
}

const adviceOf = async (url: string): Promise<string> =>
  JSON.parse((await send(`${url}/v1/v1/messages`, { headers: asProxy, body: messages() })).text).error.message

it('what a proxy says is believed of proxies that are named, and changes while the gateway runs', async () => {
  const { gateway, config, refused } = await started({})
  expect(await adviceOf(gateway.url)).toContain('http://gateway.example')
  const trusting = { ...config, server: { ...config.server, trustProxy: ['127.0.0.0/8'] } }
  expect((await gateway.reload(trusting)).changed).toEqual(['server.trustProxy'])
  expect(await adviceOf(gateway.url)).toContain('https://gateway.example')
  expect(refused).toEqual(['127.0.0.1', '198.51.100.7'])
})

it('no header of a client makes it one of this machine, behind a trusted proxy or without one', async () => {
  const clients = await clientsOf({ web: {} })
  for (const trustProxy of [undefined, ['127.0.0.1']]) {
    const { gateway } = await started({ ...clients.server, ...(trustProxy && { trustProxy }) })
    for (const headers of [
      { 'x-forwarded-for': '127.0.0.1' },
      { forwarded: 'for=127.0.0.1' },
      { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' },
      { 'x-real-ip': '127.0.0.1' },
    ])
      expect((await send(`${gateway.url}/metrics`, { method: 'GET', headers })).status).not.toBe(200)
  }
})

it.each([
  [['proxy.example'], 'expected an address or a network'],
  [['0.0.0.0/0'], 'this is everyone'],
  [['::/0'], 'this is everyone'],
  ['10.0.0.0/8', 'expected a list of networks'],
])('server.trustProxy: %j is refused: %s', (trustProxy, message) => {
  const target = {
    api: 'anthropic',
    endpoints: [{ url: 'http://127.0.0.1:1', credential: ownKey.reference }],
  }
  const text = stringify(configOf(target, undefined, { server: { trustProxy } }))
  expect(() => parseConfig(text, 'test.yaml')).toThrow(ConfigError)
  expect(() => parseConfig(text, 'test.yaml')).toThrow(message)
})

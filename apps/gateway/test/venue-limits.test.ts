import { startBedrock, startClaude, startVertex, venueFaults } from '@spillway/testing'
import { expect, it } from 'vitest'
import { forThisTest, gatewayOf, ownKey } from './gateway.ts'
import { messages, send } from './raw-client.ts'

/** A target over clouds and Anthropic, and another one to fall back to. */
async function clouds() {
  const [bedrock, vertex, direct, other] = await Promise.all([
    startBedrock(),
    startVertex(),
    startClaude(),
    startClaude({ reply: { text: 'From the other target.' } }),
  ])
  for (const server of [bedrock, vertex, direct, other]) forThisTest(server)
  const credential = ownKey.reference
  const at = {
    bedrock: { name: 'bedrock', api: 'bedrock', region: 'us-east-1', url: bedrock.url, credential },
    vertex: { name: 'vertex', api: 'vertex', project: 'p', region: 'global', url: vertex.url, credential },
    direct: { name: 'direct', url: direct.url, credential },
  }
  const gatewayOver = (...endpoints: readonly object[]) =>
    gatewayOf({
      targets: {
        claude: { api: 'anthropic', endpoints },
        other: { api: 'anthropic', endpoints: [{ url: other.url, credential }] },
      },
      routes: [{ models: '*', target: 'claude', fallback: ['other'] }],
    })
  return { bedrock, vertex, direct, other, at, gatewayOver }
}

/** A conversation of its own. */
const ask = (url: string, turn: number, more: object = {}) =>
  send(`${url}/v1/messages`, {
    body: messages({
      model: 'claude-opus-5',
      messages: [{ role: 'user', content: `Question ${turn}` }],
      ...more,
    }),
  })

it('a call that clouds do not take is answered by an endpoint that does, and reaches no cloud', async () => {
  const { bedrock, vertex, direct, at, gatewayOver } = await clouds()
  const gateway = await gatewayOver(at.bedrock, at.vertex, at.direct)
  const tools = [{ type: 'web_fetch_20250910', name: 'web_fetch' }]
  for (let turn = 0; turn < 4; turn++) expect((await ask(gateway.url, turn, { tools })).status).toBe(200)
  expect([bedrock, vertex, direct].map(({ requests }) => requests.length)).toEqual([0, 0, 4])
})

it('where no endpoint takes it, the fallback answers', async () => {
  const { bedrock, vertex, other, at, gatewayOver } = await clouds()
  const gateway = await gatewayOver(at.bedrock, at.vertex)
  const { status, headers } = await ask(gateway.url, 0, { container: 'container_1' })
  expect([status, headers['x-spillway-fallback']]).toEqual([200, 'unfit'])
  expect([bedrock, vertex, other].map(({ requests }) => requests.length)).toEqual([0, 0, 1])
})

it('a model that one endpoint has not granted is answered by the next, and the fallback stays unasked until all refuse', async () => {
  const { bedrock, vertex, other, at, gatewayOver } = await clouds()
  bedrock.always(venueFaults.bedrock.accessNotGranted)
  const gateway = await gatewayOver(at.bedrock, at.vertex)
  for (let turn = 0; turn < 4; turn++) expect((await ask(gateway.url, turn)).status).toBe(200)
  expect([vertex.requests.length, other.requests.length]).toEqual([4, 0])
  vertex.always(venueFaults.vertex.modelNotFound)
  expect((await ask(gateway.url, 9)).headers['x-spillway-served-by']).toBe('other')
})

it('what is left out for a cloud is told to the caller', async () => {
  const { bedrock, at, gatewayOver } = await clouds()
  const gateway = await gatewayOver(at.bedrock)
  const { status, headers } = await ask(gateway.url, 0, { service_tier: 'auto' })
  expect([status, headers['x-spillway-degraded']]).toEqual([200, 'service_tier'])
  expect(bedrock.requests[0]?.json).not.toHaveProperty('service_tier')
})

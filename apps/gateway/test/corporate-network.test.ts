import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startClaude, startConnectProxy } from '@spillway/testing'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { stringify } from 'yaml'
import { intercepting } from '../../../packages/core-client/test/certificate.ts'
import { parseConfig } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, ownKey, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const host = 'api.anthropic.com'
let certificate: { key: string; cert: string; ca: string }

beforeAll(async () => {
  certificate = await intercepting([host])
})

/** A network whose only way out is a proxy with a password, which ends TLS with a certificate of the company's own. */
async function network() {
  const claude = forThisTest(await startClaude())
  const proxy = forThisTest(
    await startConnectProxy({ hosts: { [host]: claude.url }, certificate, credentials: 'me:secret' }),
  )
  const ca = join(temporaryFolder(), 'corporate-ca.pem')
  writeFileSync(ca, certificate.ca)
  onTestFinished(() => void vi.unstubAllEnvs())
  return { claude, proxy, ca, url: proxy.url.replace('//', '//me:secret@') }
}

const endpointOf = (more: object): object => ({
  api: 'anthropic',
  endpoints: [{ url: `https://${host}`, credential: ownKey.reference, ...more }],
})

describe('behind a proxy that reads along', () => {
  test.each([
    ['HTTPS_PROXY', (url: string) => vi.stubEnv('HTTPS_PROXY', url), {}],
    [
      'the proxy of the endpoint',
      (url: string) => vi.stubEnv('CORP_PROXY', url),
      { proxy: 'env:CORP_PROXY' },
    ],
  ] as const)('the gateway answers through %s, whole and streamed', async (_, stub, more) => {
    const { claude, proxy, ca, url } = await network()
    stub(url)
    const gateway = await gatewayOf(configOf(endpointOf({ tls: { ca }, ...more })))
    for (const stream of [false, true]) {
      const { status, headers } = await send(`${gateway.url}/v1/messages`, { body: messages({ stream }) })
      expect([status, headers['x-spillway-served-by']]).toEqual([200, 'claude'])
    }
    expect(proxy.requests.map(({ path }) => path)).toEqual(['/v1/messages', '/v1/messages'])
    expect(claude.requests[0]?.headers).not.toHaveProperty('proxy-authorization')
  })

  test('it says what is wrong without the certificate, and where no proxy is to be used', async () => {
    const { claude, proxy, ca, url } = await network()
    vi.stubEnv('HTTPS_PROXY', url)
    const trusting = await gatewayOf(configOf(endpointOf({})))
    const untrusted = await send(`${trusting.url}/v1/messages`, { body: messages() })
    expect([untrusted.status, untrusted.text]).toEqual([
      502,
      expect.stringContaining('SELF_SIGNED_CERT_IN_CHAIN'),
    ])
    const direct = await gatewayOf(configOf(endpointOf({ tls: { ca }, proxy: 'none' })))
    expect((await send(`${direct.url}/v1/messages`, { body: messages() })).status).toBe(502)
    expect(proxy.tunnels).toHaveLength(1)
    expect(claude.requests).toHaveLength(0)
  })

  test('a password that the proxy refuses is named by its status, and not repeated', async () => {
    const { proxy, ca } = await network()
    vi.stubEnv('HTTPS_PROXY', proxy.url.replace('//', '//me:wrong-secret@'))
    const gateway = await gatewayOf(configOf(endpointOf({ tls: { ca } })))
    const { status, text } = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect([status, text]).toEqual([
      502,
      expect.stringContaining('the proxy refused to connect to the upstream (407)'),
    ])
    expect(text).not.toContain('wrong-secret')
  })
})

test('the command works by the environment alone: HTTPS_PROXY and NODE_EXTRA_CA_CERTS', async () => {
  const { proxy, ca, url } = await network()
  const folder = temporaryFolder()
  writeFileSync(
    join(folder, 'spillway.yaml'),
    stringify({ ...configOf(endpointOf({})), storage: { url: 'sqlite::memory:' } }),
  )
  const program = join(import.meta.dirname, '../bin/spillway.js')
  const env = { ...process.env, HTTPS_PROXY: url, NODE_EXTRA_CA_CERTS: ca }
  const child = spawn(process.execPath, [program, 'start', '--port', '0'], { cwd: folder, env })
  onTestFinished(() => void child.kill('SIGKILL'))
  child.stderr.resume()
  const address = await new Promise<string>((resolve, reject) => {
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      printed += piece
      const found = /listening on (http:\S+)/.exec(printed)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.on('exit', (code) => reject(new Error(`the gateway has ended with ${code}`)))
  })
  const { status } = await send(`${address}/v1/messages`, { body: messages() })
  expect([status, proxy.tunnels]).toEqual([200, [`${host}:443`]])
})

describe('the configuration says with the line', () => {
  const problemsOf = (more: string): string => {
    const text = `targets:
  claude:
    api: anthropic
    endpoints:
      - url: https://${host}
        credential: ${ownKey.reference}
        ${more}
routes: [{ models: "*", target: claude }]
`
    try {
      parseConfig(text, 'spillway.yaml')
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }

  test.each([
    ['proxy: ftp://proxy', 'expected none, env:NAME, or the URL of a proxy'],
    ['proxy: http://me:secret@proxy:3128', 'one with a password goes into a variable'],
    ['proxy: env:NO_SUCH_PROXY', 'env:NO_SUCH_PROXY is not set'],
    ['tls: { ca: /no/such/ca.pem }', 'cannot read this file (ENOENT)'],
    [`tls: { ca: ${import.meta.filename} }`, 'holds no certificate in PEM'],
    ['tls: { ca: "" }', 'tls.ca'],
    ['tls: { insecure: true }', 'tls.insecure: unknown key'],
  ])('%s', (more, message) => {
    const said = problemsOf(more)
    expect(said).toContain(message)
    expect(said).toContain('spillway.yaml:7')
    expect(said).not.toContain('secret@')
  })

  test.each(['proxy: none', 'proxy: "http://proxy:3128"', 'proxy: https://proxy.example.com/'])(
    'nothing of %s',
    (more) => {
      expect(problemsOf(more)).toBe('')
    },
  )
})

import { spawn } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openVault, Secret } from '@spillway/key-vault'
import { startClaude, startConnectProxy, startKms, startTransit } from '@spillway/testing'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { intercepting } from '../../../packages/core-client/test/certificate.ts'
import { verifyAt } from '../src/cli/verify-place.ts'
import { agentThrough } from '../src/config/other-servers.ts'
import { examineEndpoints } from '../src/doctor/endpoints.ts'
import { parseConfig } from '../src/index.ts'
import { vaultDriver } from '../src/vault.ts'
import { configOf, forThisTest, gatewayOf, ownKey, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const host = 'api.anthropic.com'
const [vaultHost, collectorHost] = ['vault.example', 'collector.example']
let certificate: { key: string; cert: string; ca: string }

beforeAll(async () => {
  certificate = await intercepting([host, vaultHost, collectorHost])
})

/** A network whose only way out is a proxy with a password, which ends TLS with a certificate of the company's own. */
async function network(more: Readonly<Record<string, string>> = {}) {
  const claude = forThisTest(await startClaude())
  const proxy = forThisTest(
    await startConnectProxy({
      hosts: { [host]: claude.url, ...more },
      ...{ certificate, credentials: 'me:secret' },
    }),
  )
  const ca = join(temporaryFolder(), 'corporate-ca.pem')
  writeFileSync(ca, certificate.ca)
  onTestFinished(() => void vi.unstubAllEnvs())
  return { claude, proxy, ca, url: proxy.url.replace('//', '//me:secret@') }
}

/** A collector of spans and metrics, as far as a test needs one. */
async function startCollector(): Promise<string> {
  const server = createServer((req, res) => void req.resume().on('end', () => res.end('{}')))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const endpointOf = (more: object): object => ({
  api: 'anthropic',
  endpoints: [{ url: `https://${host}`, credential: ownKey.reference, ...more }],
})

describe('behind a proxy that reads along', () => {
  it.each([
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

  it('it says what is wrong without the certificate, and where no proxy is to be used', async () => {
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

  it('a password that the proxy refuses is named by its status, and not repeated', async () => {
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

it('an endpoint that wants a certificate is shown that of the gateway, whose key may be encrypted', async () => {
  const [server, client] = await Promise.all([intercepting(['localhost']), intercepting(['gateway'])])
  const claude = forThisTest(await startClaude({ apiKeys: [ownKey.value] }))
  const options = { key: server.key, cert: server.cert, ca: client.ca, requestCert: true }
  const front = createTlsServer({ ...options, rejectUnauthorized: true }, async (req, res) => {
    const body: Buffer[] = []
    for await (const piece of req) body.push(piece as Buffer)
    const headers = Object.fromEntries(Object.entries(req.headers).filter(([name]) => name !== 'host'))
    const { status, text } = await send(claude.url + req.url, {
      headers: headers as never,
      body: Buffer.concat(body),
    })
    res.writeHead(status, { 'content-type': 'application/json' }).end(text)
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void front.close().closeAllConnections())
  const folder = temporaryFolder()
  const file = (name: string, text: string | Buffer): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const encrypted = createPrivateKey(client.key).export({
    ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'opens it' },
  })
  vi.stubEnv('KEY_PASSPHRASE', 'opens it')
  onTestFinished(() => void vi.unstubAllEnvs())
  const url = `https://localhost:${(front.address() as AddressInfo).port}`
  const ca = file('ca.pem', server.ca)
  const tls = { ca, cert: file('cert.pem', client.cert), key: file('key.pem', encrypted) }
  const known = { tls: { ...tls, passphrase: 'env:KEY_PASSPHRASE' } }
  const statusOf = async (more: object): Promise<number> => {
    const gateway = await gatewayOf(configOf(endpointOf({ url, ...more })))
    return (await send(`${gateway.url}/v1/messages`, { body: messages() })).status
  }
  expect(await statusOf(known)).toBe(200)
  expect(await statusOf({ tls: { ca } })).toBe(502)
  const problemOf = (more: object): string => {
    try {
      parseConfig(stringify(configOf(endpointOf({ url, ...more }))), 'test.yaml')
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(problemOf({ tls })).toContain('that can be opened; set passphrase: env:NAME')
  expect(problemOf({ tls: { ...tls, key: file('other.pem', server.key) } })).toContain(
    'tls.key: is not the private key of the certificate in cert',
  )
})

it('the command works by the environment alone, its vault and its telemetry too: HTTPS_PROXY and NODE_EXTRA_CA_CERTS', async () => {
  const transit = forThisTest(await startTransit({ tokens: ['t-1'] }))
  const { proxy, claude, ca, url } = await network({
    [vaultHost]: transit.url,
    [collectorHost]: await startCollector(),
  })
  const folder = temporaryFolder()
  const vault = {
    ...{ kind: 'transit', file: join(folder, 'vault.transit'), url: transit.url, key: 'spillway' },
    token: 'env:TRANSIT_TOKEN',
  }
  vi.stubEnv('TRANSIT_TOKEN', 't-1')
  await filled(vault)
  const config = {
    ...configOf(endpointOf({ credential: 'vault:claude' })),
    ...{ vault: { ...vault, url: `https://${vaultHost}` }, storage: { url: 'sqlite::memory:' } },
    telemetry: { otlp: `https://${collectorHost}` },
  }
  writeFileSync(join(folder, 'spillway.yaml'), stringify(config))
  const program = join(import.meta.dirname, '../bin/spillway.js')
  const env = { ...process.env, HTTPS_PROXY: url, NODE_EXTRA_CA_CERTS: ca }
  const child = spawn(process.execPath, [program, 'start', '--port', '0'], { cwd: folder, env })
  onTestFinished(() => void child.kill('SIGKILL'))
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    errors += piece
  })
  const address = await new Promise<string>((resolve, reject) => {
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      printed += piece
      const found = /listening on (http:\S+)/.exec(printed)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.on('exit', (code) => reject(new Error(`the gateway has ended with ${code}: ${errors}`)))
  })
  const { status } = await send(`${address}/v1/messages`, { body: messages() })
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGTERM')
  await ended
  expect([status, claude.requests[0]?.headers['x-api-key']]).toEqual([200, 'sk-of-the-vault'])
  expect(new Set(proxy.requests.map((request) => `${request.host}${request.path}`))).toEqual(
    new Set([
      `${vaultHost}/v1/transit/decrypt/spillway`,
      `${host}/v1/messages`,
      `${collectorHost}/v1/traces`,
      `${collectorHost}/v1/metrics`,
    ]),
  )
})

/** Makes a vault with one key. */
async function filled(vault: object): Promise<void> {
  const config = parseConfig(stringify({ ...configOf(endpointOf({})), vault }), 'f').config
  const driver = vaultDriver(config.vault as never)
  await driver.create()
  const opened = openVault({ driver })
  await opened.add('claude', 'sk-of-the-vault')
  await opened.close()
}

describe('servers that are no endpoints', () => {
  it.each([
    ['HTTP_PROXY', (url: string) => vi.stubEnv('HTTP_PROXY', url), {}, 2],
    ['vault.proxy', (url: string) => vi.stubEnv('CORP_PROXY', url), { proxy: 'env:CORP_PROXY' }, 2],
    [
      'neither, with NO_PROXY',
      (url: string) => vi.stubEnv('HTTP_PROXY', url).stubEnv('NO_PROXY', 'kms.example'),
      {},
      0,
    ],
    ['neither, with vault.proxy: none', (url: string) => vi.stubEnv('HTTP_PROXY', url), { proxy: 'none' }, 0],
  ] as const)('KMS is reached through %s', async (_, stub, more, requests) => {
    const kms = forThisTest(await startKms())
    const { proxy, url } = await network({ 'kms.example': kms.url })
    stub(url)
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE').stubEnv('AWS_SECRET_ACCESS_KEY', 'kms-secret')
    const vault = {
      ...{ kind: 'kms', file: join(temporaryFolder(), 'vault.kms'), key: 'alias/spillway', region: 'x' },
      ...{ endpoint: 'http://kms.example', ...more },
    }
    const filling = filled(vault)
    if (requests > 0) await filling
    else await expect(filling).rejects.toThrow('KMS gives no answer')
    expect(proxy.requests.length >= requests && proxy.requests.length > 0).toBe(requests > 0)
  })

  it.each([
    ['behind a proxy is reached through it', (_: string) => `http://${collectorHost}`, true],
    ['on this machine is reached past it', (url: string) => url, false],
  ] as const)('a collector %s', async (_, urlOf, isProxied) => {
    const collector = await startCollector()
    const { proxy, url } = await network({ [collectorHost]: collector })
    vi.stubEnv('HTTP_PROXY', url)
    const gateway = await gatewayOf({
      ...configOf(endpointOf({ proxy: 'none' })),
      telemetry: { otlp: urlOf(collector) },
    })
    await send(`${gateway.url}/v1/messages`, { body: messages() })
    await gateway.close(0)
    expect(proxy.requests.some((request) => request.path === '/v1/traces')).toBe(isProxied)
  })

  it('the doctor and the verification of a key go the way that calls go', async () => {
    const { proxy, ca, url } = await network({ 'plain.example': (await startClaudeWith('sk-new')).url })
    vi.stubEnv('CORP_PROXY', url)
    const { config } = parseConfig(
      stringify(configOf(endpointOf({ tls: { ca }, proxy: 'env:CORP_PROXY' }))),
      'f',
    )
    const [found] = await examineEndpoints(config, undefined)
    expect(found).toMatchObject({ level: 'ok', message: expect.stringContaining('answers 200') })
    const verify = verifyAt([{ provider: 'anthropic', url: 'http://plain.example', proxy: 'env:CORP_PROXY' }])
    const secret = (value: string): Secret =>
      new Secret({ name: 'claude', version: 1, environment: 'test' }, value)
    expect(await verify(secret('sk-new'))).toEqual({ ok: true })
    expect(await verify(secret('sk-old'))).toMatchObject({ ok: false, reason: 'refused' })
    expect(proxy.requests.map((request) => request.host)).toEqual([host, 'plain.example', 'plain.example'])
  })

  it('a Node that cannot go through a proxy there says so, once for each', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    const at = (node: string): boolean => agentThrough('http://proxy:3128', 'telemetry', node) !== undefined
    expect(['22.19.0', '22.21.0', '24.4.1', '24.5.0', '26.0.0'].map(at)).toEqual([
      false,
      true,
      false,
      true,
      true,
    ])
    expect(warn.mock.calls[0]).toEqual([
      expect.stringContaining('telemetry: Node 22.19.0 does not go through a proxy here; use Node 24.5'),
      { code: 'SPILLWAY_NO_PROXY' },
    ])
    expect(agentThrough('none', 'telemetry', '22.19.0')).toBeUndefined()
  })
})

const startClaudeWith = async (key: string) => forThisTest(await startClaude({ apiKeys: [key] }))

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

  it.each([
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

  it.each(['proxy: none', 'proxy: "http://proxy:3128"', 'proxy: https://proxy.example.com/'])(
    'nothing of %s',
    (more) => {
      expect(problemsOf(more)).toBe('')
    },
  )
})

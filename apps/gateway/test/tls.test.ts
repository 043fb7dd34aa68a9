import { writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import { freePort, type SimulatedServer, startClaude } from '@spillway/testing'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { certificateFor } from '../../../packages/core-client/test/certificate.ts'
import { type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { configOf, forThisTest, ownKey, targetAt, temporaryFolder } from './gateway.ts'
import { messages } from './raw-client.ts'
import { configFile, spillway } from './spillway.ts'

type Pair = { key: string; cert: string }
let [first, second, old]: Pair[] = []

beforeAll(async () => {
  ;[first, second, old] = await Promise.all([
    certificateFor('first'),
    certificateFor('second'),
    certificateFor('old', { days: 2 }),
  ])
})

/** A gateway whose certificate is in files. */
async function started(pair = first as Pair, tls: object = {}, server: object = {}) {
  const claude: SimulatedServer = forThisTest(await startClaude())
  const folder = temporaryFolder()
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name)) as [string, string]
  const write = (next: Partial<Pair>): void => {
    if (next.cert !== undefined) writeFileSync(cert, next.cert)
    if (next.key !== undefined) writeFileSync(key, next.key)
  }
  write(pair)
  const lines: string[] = []
  const { config } = parseConfig(
    stringify(
      configOf(targetAt(claude, 'anthropic'), undefined, {
        server: { tls: { cert, key, ...tls }, ...server },
      }),
    ),
    'test.yaml',
  )
  const gateway = await startGateway(config, { port: 0, log: (line) => lines.push(line) })
  onTestFinished(() => gateway.close(0))
  return { gateway, config, claude, lines, write, folder }
}

/** Asks with HTTP/1.1 and believes any certificate; resolves with the status, the body and whose the certificate was. */
function ask(
  { url }: Gateway,
  path: string,
  body?: object,
  more: object = {},
): Promise<{ status: number; text: string; name: string }> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const outgoing = request(`${url}${path}`, { method, agent: false, rejectUnauthorized: false, ...more })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const { subject } = (response.socket as TLSSocket).getPeerCertificate() as PeerCertificate
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, name: String(subject.CN) }))
    })
    outgoing.end(body && JSON.stringify(body))
  })
}

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await holds())) await delay(50)
}

describe('a gateway with a certificate', () => {
  it('answers calls and streams by https, and says so of itself', async () => {
    const { gateway } = await started()
    expect(gateway.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    const whole = await ask(gateway, '/v1/messages', messages())
    expect([whole.status, whole.name]).toEqual([200, 'first'])
    expect((await ask(gateway, '/v1/messages', messages({ stream: true }))).text).toContain('message_stop')
    expect((await ask(gateway, '/v1/v1/messages', messages())).text).toContain('https://127.0.0.1')
    expect(JSON.parse((await ask(gateway, '/readyz')).text)).not.toHaveProperty('certificate')
  })

  it('takes a new one from its files while calls go on, and no half of one', async () => {
    const { gateway, lines, write, claude } = await started()
    claude.always({ type: 'stall', afterChunks: 1, ms: 3_000 })
    const stream = ask(gateway, '/v1/messages', messages({ stream: true }))
    await until(() => claude.requests.length === 1)
    write({ cert: second?.cert as string })
    await delay(1_500)
    expect((await ask(gateway, '/healthz')).name).toBe('first')
    expect(lines).toEqual([])
    write({ key: second?.key as string })
    await until(async () => (await ask(gateway, '/healthz')).name === 'second')
    expect(lines).toEqual([
      expect.stringMatching(/^the certificate in .*cert\.pem is in use, it expires in \d+ days$/),
    ])
    const { text, name } = await stream
    expect([text.includes('message_stop'), name]).toEqual([true, 'first'])
  })

  it('keeps the one before where the files are broken, says so once, and everywhere', async () => {
    const { gateway, config, lines, write } = await started()
    write({ key: 'no key' })
    await gateway.reload(config)
    expect(lines).toEqual([
      expect.stringMatching(/^warning: the certificate was not taken, .*key\.pem holds no private key/),
    ])
    expect(lines.join()).not.toContain('no key\n')
    await delay(1_500)
    expect(lines).toHaveLength(1)
    expect(JSON.parse((await ask(gateway, '/readyz')).text)).toMatchObject({ certificate: 'not reloaded' })
    expect(JSON.parse((await ask(gateway, '/api/alerts')).text).alerts).toMatchObject([
      { kind: 'certificate' },
    ])
    write(second as Pair)
    await gateway.reload(config)
    expect(JSON.parse((await ask(gateway, '/readyz')).text)).not.toHaveProperty('certificate')
    expect((await ask(gateway, '/healthz')).name).toBe('second')
  })

  it('warns before its end: in the log, at /readyz and in /metrics', async () => {
    const { gateway, lines } = await started(old as Pair)
    expect(lines).toEqual([
      expect.stringMatching(/^warning: the certificate in .*cert\.pem expires in \d+ hours: /),
    ])
    expect(JSON.parse((await ask(gateway, '/readyz')).text).certificate).toMatch(/^expires in \d+ hours$/)
    const [, end] =
      /spillway_server_certificate_not_after\{[^}]*\} (\S+)/.exec((await ask(gateway, '/metrics')).text) ?? []
    expect(Number(end) * 1_000 - Date.now()).toBeLessThan(2 * 86_400_000)
  })

  it('speaks no version of TLS that is too old, and nothing without TLS', async () => {
    const { gateway } = await started(first, { minVersion: '1.3' })
    await expect(ask(gateway, '/healthz', undefined, { maxVersion: 'TLSv1.2' })).rejects.toThrow(
      /protocol version|EPROTO/,
    )
    expect((await ask(gateway, '/healthz', undefined, { minVersion: 'TLSv1.3' })).status).toBe(200)
    const plain = connect(Number(new URL(gateway.url).port), '127.0.0.1')
    let said = ''
    plain
      .on('error', () => {})
      .on('data', (piece) => {
        said += piece.toString('latin1')
      })
    plain.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await new Promise((resolve) => plain.on('close', resolve))
    expect(said).not.toContain('ok')
    const { text } = await ask(gateway, '/metrics')
    expect(text).toMatch(/spillway_server_turned_away_total\{[^}]*"tls"[^}]*\} [2-9]/)
  })

  it('closes handshakes that do not get on, and does not wait for them when it stops', async () => {
    const { gateway } = await started(first, {}, { headersTimeout: '300ms' })
    const { port } = new URL(gateway.url)
    const silent = connect(Number(port), '127.0.0.1').on('error', () => {})
    await new Promise((resolve) => silent.resume().on('close', resolve))
    const another = connect(Number(port), '127.0.0.1').on('error', () => {})
    const closed = new Promise((resolve) => another.resume().on('close', resolve))
    await new Promise((resolve) => another.on('connect', resolve))
    await Promise.all([gateway.close(60_000), closed])
  })

  it('cuts a client that takes nothing, by TLS too', async () => {
    const claude = forThisTest(await startClaude({ reply: { text: 'x'.repeat(20_000_000) } }))
    const { gateway, write: _ } = await startedAt(claude, { stallTimeout: '400ms' })
    const { port } = new URL(gateway.url)
    const socket = connectTls({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false })
    socket.on('error', () => {})
    await new Promise((resolve) => socket.on('secureConnect', resolve))
    const body = JSON.stringify(messages())
    socket.write(
      `POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await new Promise((resolve) => socket.once('readable', resolve))
    await until(async () => /"stallTimeout"[^}]*\} 1/.test((await ask(gateway, '/metrics')).text))
    socket.destroy()
  })
})

async function startedAt(claude: SimulatedServer, server: object) {
  const folder = temporaryFolder()
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name)) as [string, string]
  writeFileSync(cert, first?.cert as string)
  writeFileSync(key, first?.key as string)
  const { config } = parseConfig(
    stringify(
      configOf(targetAt(claude, 'anthropic'), undefined, { server: { tls: { cert, key }, ...server } }),
    ),
    'test.yaml',
  )
  const gateway = await startGateway(config, { port: 0, log: () => {} })
  onTestFinished(() => gateway.close(0))
  return { gateway, write: writeFileSync }
}

describe('clientAuth: require', () => {
  it('connects clients that ca vouches for, and no others', async () => {
    const folder = temporaryFolder()
    const ca = join(folder, 'ca.pem')
    writeFileSync(ca, second?.cert as string)
    const { gateway } = await started(first, { ca, clientAuth: 'require' })
    expect((await ask(gateway, '/healthz', undefined, second)).status).toBe(200)
    for (const shown of [{}, old])
      await expect(ask(gateway, '/healthz', undefined, shown)).rejects.toThrow(
        /ECONNRESET|alert|certificate|hang up/i,
      )
  })
})

describe('what is wrong with server.tls', () => {
  it.each<[string, (files: Record<string, string>) => object, RegExp]>([
    [
      'a file that is not there',
      ({ key }) => ({ cert: '/nowhere.pem', key }),
      /server\.tls\.cert: cannot read this file \(ENOENT\)/,
    ],
    [
      'a key that is another one’s',
      ({ cert, other }) => ({ cert, key: other }),
      /server\.tls\.key: is not the private key of the certificate/,
    ],
    [
      'a certificate for a key',
      ({ cert }) => ({ cert, key: cert }),
      /server\.tls\.key: holds no private key in PEM/,
    ],
    [
      'clients that nobody vouches for',
      ({ cert, key }) => ({ cert, key, clientAuth: 'require' }),
      /server\.tls\.clientAuth: needs ca/,
    ],
    [
      'an old version',
      ({ cert, key }) => ({ cert, key, minVersion: 1.1 }),
      /server\.tls\.minVersion: expected "1\.2" or "1\.3"/,
    ],
    ['a certificate alone', ({ cert }) => ({ cert }), /server\.tls\.key: expected the path of a file/],
  ])('is said before anything listens: %s', (_, tlsOf, expected) => {
    const folder = temporaryFolder()
    const files: Record<string, string> = {}
    for (const [name, text] of Object.entries({ cert: first?.cert, key: first?.key, other: second?.key })) {
      files[name] = join(folder, `${name}.pem`)
      writeFileSync(files[name] as string, text as string)
    }
    const target = { api: 'anthropic', endpoints: [{ url: 'http://127.0.0.1:1' }] }
    const text = stringify(configOf(target, undefined, { server: { tls: tlsOf(files) } }))
    expect(() => parseConfig(text, 'spillway.yaml')).toThrow(expected)
  })
})

it('the commands ask a gateway by https, and say what its clients need', async () => {
  const folder = temporaryFolder()
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name)) as [string, string]
  writeFileSync(cert, first?.cert as string)
  writeFileSync(key, first?.key as string)
  const port = await freePort()
  const target = {
    api: 'anthropic',
    endpoints: [{ url: 'http://127.0.0.1:1', credential: ownKey.reference }],
  }
  const file = configFile(configOf(target, undefined, { server: { port, tls: { cert, key } } }))
  const running = spillway(['start', '--quiet', '--config', file])
  await until(() => running.stdout().includes(`listening on https://127.0.0.1:${port}`))
  const status = spillway(['status', '--config', file])
  expect(await status.exit).toBe(0)
  expect(status.stdout()).toContain(`https://127.0.0.1:${port}  status: ok`)
  const env = spillway(['env', '--config', file])
  expect(await env.exit).toBe(0)
  expect(env.stdout()).toContain(`export ANTHROPIC_BASE_URL=https://127.0.0.1:${port}`)
  expect(env.stdout()).toContain(`export NODE_EXTRA_CA_CERTS=${cert}`)
  running.child.kill('SIGHUP')
  await until(() => /the certificate in .* is in use/.test(running.stdout() + running.stderr()))
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initAgeFile, openVault } from '@spillway/key-vault'
import { processEnvironment } from '@spillway/key-vault/internal'
import { startClaude } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../src/config/config-error.ts'
import { parseConfig } from '../src/config/load-config.ts'
import { startGateway } from '../src/gateway.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-gateway-vault-'))
})
afterEach(() => rmSync(folder, { recursive: true, maxRetries: 9 }))

const configWith = (url: string, vault = '', credential = 'vault:claude'): string => `
server: { port: 0 }
targets:
  claude: { api: anthropic, endpoints: [{ url: "${url}", credential: "${credential}" }] }
routes: [{ models: "*", target: claude }]
retry: { attempts: 1 }
${vault}`

const ask = (url: string): Promise<Response> =>
  fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'anthropic-version': '2023-06-01', 'x-api-key': 'sk-caller' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }),
  })

async function makeVault(environment = processEnvironment()) {
  const files = { path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') }
  const vault = openVault({ driver: await initAgeFile(files), environment })
  await vault.add('claude', 'sk-from-vault')
  return { vault, section: `vault: { file: ${files.path}, keyFile: ${files.keyFile} }` }
}

describe('vault:NAME', () => {
  it('is the key that goes out, and a rotation by another process is followed', async () => {
    const { vault, section } = await makeVault()
    const apiKeys = ['sk-from-vault', 'sk-next']
    await using claude = await startClaude({ apiKeys })
    const gateway = await startGateway(parseConfig(configWith(claude.url, section), 'f').config)
    try {
      expect((await ask(gateway.url)).status).toBe(200)
      await vault.rotate('claude', 'sk-next', { verify: async () => ({ ok: true }), drain: false })
      await expect
        .poll(
          async () => {
            expect((await ask(gateway.url)).status).toBe(200)
            return claude.requests.at(-1)?.headers['x-api-key']
          },
          { timeout: 10_000, interval: 200 },
        )
        .toBe('sk-next')
    } finally {
      await gateway.close(0)
      await vault.close()
    }
  })

  it('of another environment is refused, without a word of the key', async () => {
    const { vault, section } = await makeVault('production')
    await vault.close()
    await using claude = await startClaude()
    const gateway = await startGateway(parseConfig(configWith(claude.url, section), 'f').config)
    const response = await ask(gateway.url)
    expect(response.status).toBe(401)
    expect(await response.text()).not.toContain('sk-')
    expect(claude.requests).toHaveLength(0)
    await gateway.close(0)
  })

  it('without a vault, and a key itself, are errors that say what to do', () => {
    const problemOf = (text: string): string => {
      try {
        parseConfig(text, 'f')
        return 'none'
      } catch (error) {
        return error instanceof ConfigError ? error.message : String(error)
      }
    }
    expect(problemOf(configWith('http://x.test'))).toContain(
      'add vault: { file: vault.age, keyFile: vault.key }',
    )
    const plain = problemOf(configWith('http://x.test', '', 'sk-ant-CANARY'))
    expect(plain).toContain('a key itself never belongs in a configuration file')
    expect(plain).not.toContain('CANARY')
  })
})

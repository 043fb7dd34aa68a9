import { chmodSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { initAgeFile, openVault, processEnvironment } from '@spillway/key-vault'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { callLine } from '../src/cli/call-line.ts'
import { check } from '../src/cli/check.ts'
import { vaultLine } from '../src/cli/vault-line.ts'
import { ConfigError, type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { temporaryFolder } from './gateway.ts'

const canary = 'sk-ant-CANARY-7f3d91c2a8'

let claude: SimulatedServer
let folder: string
let files: { path: string; keyFile: string }
let gateway: Gateway
/** The log, and all else that was said. */
let said: string[]

beforeEach(async () => {
  said = []
  for (const stream of ['log', 'error', 'warn'] as const) {
    vi.spyOn(console, stream).mockImplementation((...args) => void said.push(inspect(args, { depth: 20 })))
  }
  folder = temporaryFolder()
  files = { path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') }
  const vault = openVault({ driver: await initAgeFile(files), environment: processEnvironment() })
  await vault.add('claude', canary)
  await vault.close()
  claude = await startClaude({ apiKeys: [canary] })
  gateway = await startGateway(parseConfig(configText(), 'f').config, {
    port: 0,
    onAnswer: (call) => said.push(callLine(call, new Date()), inspect(call, { depth: 12, showHidden: true })),
    onVaultEvent: (event) => said.push(vaultLine(event)),
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await gateway.close(0)
  await claude.close()
})

const configText = (credential = 'vault:claude'): string => `
targets:
  claude: { api: anthropic, endpoints: [{ url: "${claude.url}", credential: "${credential}" }] }
routes: [{ models: "*", target: claude }]
retry: { attempts: 1 }
vault: { file: ${files.path}, keyFile: ${files.keyFile} }
`

/** A call: its status, headers and body, and how often the key went out. */
async function ask(body: object = {}): Promise<string> {
  const response = await fetch(`${gateway.url}/v1/messages`, {
    method: 'POST',
    headers: { 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }], ...body }),
  })
  const text = await response.text().catch((error: unknown) => inspect(error))
  return `${response.status} ${inspect([...response.headers])} ${text}`
}

function checked(text: string): string {
  const file = join(folder, 'spillway.yaml')
  writeFileSync(file, text)
  check(file)
  rmSync(file)
  return said.join()
}

/** Paths through the gateway on which a key could come to light. Add new ones at the end. */
const paths: Readonly<Record<string, () => Promise<unknown>>> = {
  'an answer': () => ask(),
  'a stream that is cut': () => {
    claude.next({ type: 'cut', at: 'mid-event', how: 'reset' })
    return ask({ stream: true })
  },
  'an overload': () => {
    claude.next({ type: 'status', status: 529 })
    return ask()
  },
  'a connection that is reset': () => {
    claude.next({ type: 'reset' })
    return ask()
  },
  'an upstream that is gone': async () => {
    await claude.close()
    const text = await ask()
    claude = await startClaude()
    return text
  },
  'a vault that others may read': () => {
    chmodSync(files.path, 0o644)
    return ask()
  },
  'a vault that is cut': () => {
    truncateSync(files.path, 300)
    return ask()
  },
  'a vault without its key': () => {
    rmSync(files.keyFile)
    return ask()
  },
  'a configuration with the key in it': async () => checked(configText(canary)),
  'a configuration with the key in a wrong place': async () =>
    checked(`${configText()}\nkey: ${canary}\n: [`),
  'the error of a configuration': async () => {
    try {
      return parseConfig(configText(canary), 'f')
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      return inspect(error, { depth: 20, showHidden: true })
    }
  },
  'the gateway in inspect': async () => inspect(gateway, { depth: 20, showHidden: true }),
}

it.each(Object.entries(paths))('the key does not show in %s', async (_, path) => {
  const text = `${String(await path())} ${said.join()}`
  expect(text).not.toContain('CANARY')
})

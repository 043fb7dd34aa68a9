import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openVault } from '@spillway/key-vault'
import { startClaude, startKms, startTransit } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../src/config/load-config.ts'
import { startGateway } from '../src/gateway.ts'
import { vaultDriver } from '../src/vault.ts'
import { forThisTest, temporaryFolder } from './gateway.ts'
import { configFile, plainEnvironment, program, ready, spillway, until } from './spillway.ts'

const passphrase = 'correct horse battery staple'

const ask = (url: string): Promise<Response> =>
  fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': 'sk-caller' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }),
  })

const configWith = (url: string, vault: object) =>
  stringify({
    server: { port: 0 },
    targets: { claude: { api: 'anthropic', endpoints: [{ url, credential: 'vault:claude' }] } },
    routes: [{ models: '*', target: 'claude' }],
    retry: { attempts: 1 },
    vault,
  })

const read = (url: string, vault: object) => parseConfig(configWith(url, vault), 'f').config

async function startWith(url: string, vault: object, lines: string[] = []) {
  const gateway = await startGateway(read(url, vault), { stateFolder: null, log: (line) => lines.push(line) })
  return forThisTest({ url: gateway.url, close: () => gateway.close(0) })
}

async function fill(vault: object, name = 'claude'): Promise<void> {
  const driver = vaultDriver(read('http://x.test', vault).vault as never)
  await driver.create()
  const filled = openVault({ driver })
  await filled.add(name, 'sk-from-vault')
  await filled.close()
}

it('keeps its keys in a file that AWS KMS opens, by the official SDK, under the context of the configuration', async () => {
  const kms = forThisTest(await startKms())
  const claude = forThisTest(await startClaude({ apiKeys: ['sk-from-vault'] }))
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE').stubEnv('AWS_SECRET_ACCESS_KEY', 'kms-secret')
  const vault = {
    ...{ kind: 'kms', file: join(temporaryFolder(), 'vault.kms'), key: 'alias/spillway' },
    ...{ region: 'eu-central-1', endpoint: kms.url, context: { service: 'gateway', stage: 'test' } },
  }
  await fill(vault)
  const { url } = await startWith(claude.url, vault)
  expect((await ask(url)).status).toBe(200)
  expect(kms.requests.at(-1)).toMatchObject({
    ...{ operation: 'Decrypt', error: undefined },
    context: { service: 'gateway', stage: 'test' },
  })
  const other = { ...vault, context: { service: 'other' } }
  await expect(startWith(claude.url, other)).rejects.toThrow(/^vault: .*\(SPILLWAY_VAULT_WRONG_CONTEXT\)/)
})

it('keeps its keys in a file that a transit server opens, with a token from a variable or a file', async () => {
  const transit = forThisTest(await startTransit({ mount: 'teams/ai', tokens: ['t-1'] }))
  const claude = forThisTest(await startClaude({ apiKeys: ['sk-from-vault'] }))
  const folder = temporaryFolder()
  const vault = {
    ...{ kind: 'transit', file: join(folder, 'vault.transit'), url: transit.url, key: 'spillway' },
    ...{ mount: 'teams/ai', token: 'env:TRANSIT_TOKEN_OF_TEST' },
  }
  const unset = /vault\.token: the environment variable TRANSIT_TOKEN_OF_TEST is not set/
  await expect(fill(vault)).rejects.toThrow(unset)
  vi.stubEnv('TRANSIT_TOKEN_OF_TEST', 't-1')
  await fill(vault)
  writeFileSync(join(folder, 'token'), 't-1\n', { mode: 0o600 })
  const { url } = await startWith(claude.url, { ...vault, token: `file:${join(folder, 'token')}` })
  expect((await ask(url)).status).toBe(200)
})

it('does not start with a vault that does not open, and says where and what to do', async () => {
  const file = join(temporaryFolder(), 'vault.age')
  const vault = { kind: 'passphrase', file, passphrase: 'env:VAULT_PASSPHRASE_OF_TEST', workFactor: 4 }
  vi.stubEnv('VAULT_PASSPHRASE_OF_TEST', passphrase)
  await fill(vault)
  const config = ['start', '--config', configFile(configWith('http://127.0.0.1:9', vault))]
  const [unset, wrong] = [
    spillway(config),
    spillway(config, { VAULT_PASSPHRASE_OF_TEST: 'another passphrase' }),
  ]
  expect([await unset.exit, await wrong.exit]).toEqual([1, 1])
  expect(unset.stderr()).toContain(
    'vault: vault.passphrase: the environment variable VAULT_PASSPHRASE_OF_TEST is not set (SPILLWAY_VAULT_MISSING); mend that, or set vault.required: false',
  )
  expect(wrong.stderr()).toContain('(SPILLWAY_VAULT_WRONG_PASSPHRASE); mend that')
  expect(wrong.stderr() + unset.stderr()).not.toMatch(/correct horse|another passphrase|sk-/)
}, 30_000)

it('starts without a vault that is not required, and says so in the log, at /readyz and in every failure', async () => {
  const claude = forThisTest(await startClaude({ apiKeys: ['sk-from-vault'] }))
  const file = join(temporaryFolder(), 'vault.age')
  const vault = {
    ...{ kind: 'passphrase', file, passphrase: 'env:VAULT_PASSPHRASE_OF_TEST', workFactor: 4 },
    required: false,
  }
  vi.stubEnv('VAULT_PASSPHRASE_OF_TEST', passphrase)
  await fill(vault)
  vi.stubEnv('VAULT_PASSPHRASE_OF_TEST', 'another passphrase')
  const lines: string[] = []
  const { url } = await startWith(claude.url, vault, lines)
  expect(lines.join('\n')).toMatch(
    /warning: vault: .*\(SPILLWAY_VAULT_WRONG_PASSPHRASE\); calls that need its keys fail/,
  )
  const why = 'SPILLWAY_VAULT_WRONG_PASSPHRASE: the passphrase does not open the vault'
  expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({
    vault: why,
    unusable: `vault:claude (${why})`,
  })
  for (let call = 0; call < 2; call++) {
    const answer = await (await ask(url)).text()
    expect(answer).toContain(`the credential vault:claude cannot be used (${why})`)
    expect(answer).not.toContain(file)
  }
  expect(claude.requests).toHaveLength(0)
})

it('says which key is missing in the log, at /readyz and to callers, without naming other keys', async () => {
  const claude = forThisTest(await startClaude())
  const folder = temporaryFolder()
  const vault = { file: join(folder, 'vault.age'), identity: 'env:VAULT_IDENTITY_OF_TEST' }
  const { newAgeIdentity } = await import('@spillway/key-vault')
  vi.stubEnv('VAULT_IDENTITY_OF_TEST', await newAgeIdentity())
  await fill(vault, 'other-key')
  const lines: string[] = []
  const { url } = await startWith(claude.url, vault, lines)
  expect(lines.join('\n')).toContain(
    'warning: vault:claude cannot be used: the vault has no secret "claude"; it has other-key',
  )
  const said = (await (await ask(url)).text()) + (await (await fetch(`${url}/readyz`)).text())
  expect(said.match(/SPILLWAY_VAULT_UNKNOWN_SECRET: the vault has no key of this name/g)).toHaveLength(2)
  expect(said).not.toContain('other-key')
})

it.each([
  ['{ file: v, keyFile: k, region: eu }', 'vault.region: this is for kind: kms, not for age'],
  ['{ kind: kms, file: v }', 'vault: kind: kms needs key'],
  ['{ kind: transit, file: v, url: "http://x", key: k, token: s.secret }', 'a token itself never belongs'],
  ['{ file: v }', 'vault: kind: age needs keyFile or identity'],
  ['{ kind: gpg, file: v }', 'expected one of age, passphrase, kms, transit, keychain'],
])('says what is wrong with vault: %s', (vault, message) => {
  const text = configWith('http://x.test', {}).replace('vault: {}', `vault: ${vault}`)
  expect(() => parseConfig(text, 'f')).toThrow(message)
  expect(() => parseConfig(text, 'f')).not.toThrow('s.secret')
})

it('fills and looks over a vault of another kind from the command line', async () => {
  const transit = forThisTest(await startTransit())
  const vault = {
    ...{ kind: 'transit', file: join(temporaryFolder(), 'vault.transit'), url: transit.url },
    ...{ key: 'spillway', token: 'env:TRANSIT_TOKEN_OF_TEST' },
  }
  const config = configFile(configWith('http://127.0.0.1:9', vault))
  const run = async (...args: string[]): Promise<string> => {
    const { exit, stdout, stderr } = spillway([...args, '--vault-config', config], {
      TRANSIT_TOKEN_OF_TEST: 'transit-token',
    })
    await exit
    return stdout() + stderr()
  }
  expect(await run('vault', 'init')).toContain('vault.transit, which its transit opens')
  expect(await run('vault', 'doctor')).toContain('opens and holds 0 secrets')
  expect(await run('keys', 'list')).toContain('FINGERPRINT')
}, 30_000)

it('links a key into the vault that the configuration names, of whatever kind, and makes it', async () => {
  const claude = forThisTest(await startClaude({ apiKeys: ['sk-ant-linked', 'sk-ant-other'] }))
  const transit = forThisTest(await startTransit())
  const folder = temporaryFolder()
  const at = { kind: 'transit', file: 'vault.transit', url: transit.url, key: 'spillway' }
  const vaults = {
    transit: { ...at, token: 'env:TRANSIT_TOKEN_OF_TEST' },
    age: { file: 'my.age', keyFile: 'my.key' },
  }
  const env = { TRANSIT_TOKEN_OF_TEST: 'transit-token' }
  for (const [kind, vault] of Object.entries(vaults)) {
    const name = `${kind}.yaml`
    writeFileSync(join(folder, name), configWith(claude.url, vault))
    for (const [key, said] of [
      ['sk-ant-linked', `the key is in ${vault.file} as "claude"`],
      ['sk-ant-other', 'claude was there: v2 waits'],
    ] as const) {
      const command = `'${process.execPath}' '${program}' link claude -c ${name}`
      const linked = await promisify(execFile)('sh', ['-c', `echo ${key} | ${command}`], {
        ...{ cwd: folder, timeout: 20_000 },
        env: { ...plainEnvironment(), ...env },
      })
      expect(linked.stderr).toBe('')
      expect(linked.stdout).toContain(said)
    }
    const checked = spillway(['check', '--strict', '-c', name], env, folder)
    expect([await checked.exit, checked.stderr()]).toEqual([0, ''])
  }
  expect(readdirSync(folder)).not.toContain('vault.age')
}, 60_000)

it('finds the vault of spillway.yaml in the folder, where neither a vault nor a configuration is named', async () => {
  const folder = temporaryFolder()
  writeFileSync(
    join(folder, 'spillway.yaml'),
    configWith('http://127.0.0.1:9', { file: 'my.age', keyFile: 'my.key' }),
  )
  const run = async (command: string): Promise<string> => {
    const line = `echo sk-ant-one | '${process.execPath}' '${program}' ${command}`
    const options = { cwd: folder, timeout: 20_000, env: plainEnvironment() }
    return (await promisify(execFile)('sh', ['-c', line], options)).stdout
  }
  expect(await run('vault init')).toContain('made my.age')
  expect(await run('keys add claude')).toMatch(/^claude v1 is active/)
  expect(await run('keys list')).toMatch(/^claude +v1 +active/m)
  expect(await run('vault doctor')).toContain('1 secret')
  expect(readdirSync(folder)).not.toContain('vault.age')
  expect(await run('vault init --vault other.age --key-file other.key')).toContain('made other.age')
}, 60_000)

/** Stands in for the package that reaches the keychain of the system: entries are in a file. */
function keychainAt(file: string): string {
  const stub = `
    import { existsSync, readFileSync, writeFileSync } from 'node:fs'
    const read = () => (existsSync(process.env.KEYCHAIN_OF_TEST) ? JSON.parse(readFileSync(process.env.KEYCHAIN_OF_TEST, 'utf8')) : {})
    export class AsyncEntry {
      constructor(service, account) { this.key = service + '/' + account }
      async getPassword() { return read()[this.key] }
      async setPassword(value) { writeFileSync(process.env.KEYCHAIN_OF_TEST, JSON.stringify({ ...read(), [this.key]: value })) }
    }`
  const url = `data:text/javascript,${encodeURIComponent(stub)}`
  const hook = `
    import { registerHooks } from 'node:module'
    registerHooks({ resolve: (name, context, next) => name === '@napi-rs/keyring' ? { url: ${JSON.stringify(url)}, shortCircuit: true } : next(name, context) })`
  writeFileSync(file, hook)
  return `--import ${file}`
}

it('links a key into a vault of KMS and of a keychain, which a gateway then opens', async () => {
  const claude = forThisTest(await startClaude({ apiKeys: ['sk-ant-linked'] }))
  const kms = forThisTest(await startKms())
  const folder = temporaryFolder()
  const env = {
    ...{ AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'kms-secret' },
    ...{ NODE_OPTIONS: keychainAt(join(folder, 'keychain.mjs')), KEYCHAIN_OF_TEST: join(folder, 'entries') },
  }
  const vaults = {
    kms: { kind: 'kms', file: 'vault.kms', key: 'alias/spillway', region: 'eu-central-1', endpoint: kms.url },
    keychain: { kind: 'keychain', file: 'vault.keychain', service: 'spillway-test' },
  }
  for (const [kind, vault] of Object.entries(vaults)) {
    const name = `${kind}.yaml`
    writeFileSync(join(folder, name), configWith(claude.url, vault))
    const command = `echo sk-ant-linked | '${process.execPath}' '${program}' link claude -c ${name}`
    const linked = await promisify(execFile)('sh', ['-c', command], {
      ...{ cwd: folder, timeout: 20_000 },
      env: { ...plainEnvironment(), ...env },
    })
    expect(linked.stdout).toContain(`the key is in ${vault.file} as "claude"`)
    const run = spillway(['start', '-c', name], env, folder)
    await until(() => ready.test(run.stdout()) || run.child.exitCode !== null)
    expect((await ask(ready.exec(run.stdout())?.[1] as string)).status, run.stderr()).toBe(200)
  }
  expect(readFileSync(join(folder, 'entries'), 'utf8')).toContain('spillway-test/vault')
  expect(kms.requests.map(({ operation }) => operation)).toContain('Decrypt')
}, 60_000)

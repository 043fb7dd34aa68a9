import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startClaude } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { initAgeFile } from '../src/age-file-vault.ts'
import { openVault, vaultDefaults } from '../src/vault.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that runs as it stands', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  const folder = mkdtempSync(join(tmpdir(), 'spillway-readme-'))
  await using claude = await startClaude({ apiKeys: ['sk-old', 'sk-new'] })
  const original = globalThis.fetch
  const said: unknown[] = []
  vi.stubGlobal('fetch', (_: string, init: RequestInit) => original(`${claude.url}/v1/models`, init))
  vi.spyOn(console, 'log').mockImplementation((text) => void said.push(text))
  try {
    const driver = await initAgeFile({ path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') })
    const vault = openVault({ driver })
    await vault.add('claude', 'sk-old')
    await vault.close()
    vi.resetModules()
    const { credential, rotate } = await importIn(folder)
    const old = await credential.token()
    expect(old.value).toBe('sk-old')
    const rotated = rotate('sk-new')
    while (!said.includes('rotation.promoted')) await new Promise((resolve) => setTimeout(resolve, 5))
    old.release()
    ;(await credential.token()).release()
    expect(await rotated).toMatchObject({ outcome: 'completed', drained: 'leases' })
    expect(said).toEqual(['rotation.started', 'rotation.promoted', 'rotation.completed'])
  } finally {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    rmSync(folder, { recursive: true })
  }
})

/** The example names files in the current folder; key files are opened by their name when they are needed. */
async function importIn(folder: string): Promise<typeof import('./readme-example.ts')> {
  const actual = await import('../src/age-file-vault.ts')
  vi.doMock('@spillway/key-vault', async () => ({
    ...(await vi.importActual<typeof import('../src/index.ts')>('../src/index.ts')),
    ageFile: ({ path, keyFile }: { path: string; keyFile: string }) =>
      actual.ageFile({ path: join(folder, path), keyFile: join(folder, keyFile) }),
  }))
  return import('./readme-example.ts')
}

it('lists the defaults as they are', () => {
  const listed = [...readme.matchAll(/^\| `(\w+)`\s*\| `(\d+)`\s*\|/gm)].map(([, name, value]) => [
    name,
    Number(value),
  ])
  expect(Object.fromEntries(listed)).toEqual(vaultDefaults)
})

it('lists every error and every event', () => {
  const source = (file: string): string => readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8')
  const section = (title: string): string => readme.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
  const codes = [...source('vault-error.ts').matchAll(/\| 'SPILLWAY_VAULT_(\w+)'/g)].map(([, code]) => code)
  expect([...section('Errors').matchAll(/^\| `(\w+)`/gm)].map(([, code]) => code).sort()).toEqual(
    codes.sort(),
  )
  const events = [...source('vault-events.ts').matchAll(/readonly type: '([\w.]+)'/g)].map(([, type]) => type)
  expect([...section('Events').matchAll(/^\| `([\w.]+)`/gm)].map(([, type]) => type).sort()).toEqual(
    events.sort(),
  )
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, createClient } from '@spillway/core-client'
import {
  initAgeFile,
  openVault,
  type RotateOptions,
  type RotationReport,
  type Vault,
  type VaultEvent,
  verifyCredential,
} from '@spillway/key-vault'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'

const oldKey = 'sk-ant-old'
const newKey = 'sk-ant-new'
/** The vendor takes these; changed while the test runs, as in its console. */
let accepted: string[]
let claude: SimulatedServer
let vault: Vault
let client: Client
let events: VaultEvent[]
let folder: string

beforeEach(async () => {
  accepted = [oldKey, newKey]
  // Answers take about as long as several arrivals, so that many calls are always under way.
  claude = await startClaude({ apiKeys: accepted, latencyMs: 60 })
  folder = mkdtempSync(join(tmpdir(), 'spillway-rotation-'))
  const driver = await initAgeFile({ path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') })
  events = []
  vault = openVault({ driver, environment: 'test', onEvent: (event) => void events.push(event) })
  await vault.add('claude', oldKey)
  client = createClient({
    provider: 'anthropic',
    baseUrl: claude.url,
    credential: vault.credential('claude'),
  })
})
afterEach(async () => {
  await client.close()
  await vault.close()
  await claude.close()
  rmSync(folder, { recursive: true, maxRetries: 9 })
})

const keysSeen = (from = 0): string[] =>
  claude.requests.slice(from).map(({ headers }) => headers['x-api-key'] ?? '')

/** 200 calls a second, every third streamed, for as long as `work` takes and half a second before and after. */
async function underLoad(
  work: () => Promise<RotationReport>,
): Promise<{ report: RotationReport; calls: number; failed: unknown[] }> {
  const failed: unknown[] = []
  const calls: Promise<void>[] = []
  const call = async (i: number): Promise<void> => {
    try {
      if (i % 3 === 0) for await (const _ of client.stream('Hello')) void _
      else await client.complete('Hello')
    } catch (error) {
      failed.push(error)
    }
  }
  const began = performance.now()
  let until = Infinity
  const loading = (async () => {
    for (let i = 0; performance.now() < until; i++) {
      calls.push(call(i))
      const wait = began + (i + 1) * 5 - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    }
  })()
  await new Promise((resolve) => setTimeout(resolve, 500))
  const report = await work()
  until = performance.now() + 500
  await loading
  await Promise.all(calls)
  return { report, calls: calls.length, failed }
}

const rotate = (value: string, options: Partial<RotateOptions> = {}): Promise<RotationReport> =>
  vault.rotate('claude', value, {
    verify: verifyCredential({ provider: 'anthropic', baseUrl: claude.url }),
    ...options,
  })

it('at 200 calls a second no call fails, every lease comes back, and the old key is out of use', async () => {
  let seenAtEnd = 0
  const { report, calls, failed } = await underLoad(async () => {
    const done = await rotate(newKey)
    accepted.splice(accepted.indexOf(oldKey), 1)
    seenAtEnd = claude.requests.length
    return done
  })
  expect(report).toMatchObject({ outcome: 'completed', version: 2, previous: 1, drained: 'leases' })
  expect(failed).toEqual([])
  expect(calls).toBeGreaterThan(200)
  const leases = vault.leases()
  expect(leases.map(({ version, open }) => [version, open])).toEqual([
    [1, 0],
    [2, 0],
  ])
  expect(leases.reduce((sum, { granted }) => sum + granted, 0)).toBe(calls)
  expect(leases.every(({ granted }) => granted > 50)).toBe(true)
  expect(new Set(keysSeen(seenAtEnd))).toEqual(new Set([newKey]))
  expect(claude.requests.filter(({ status }) => status !== 200)).toEqual([])
})

it('to a key that the vendor does not take, no call fails, and the rotation is rolled back', async () => {
  const { report, calls, failed } = await underLoad(() => rotate('sk-ant-bad'))
  expect(report).toMatchObject({ outcome: 'rolled_back', reason: 'refused', version: 2 })
  expect(failed).toEqual([])
  expect(vault.leases()).toEqual([{ name: 'claude', version: 1, open: 0, granted: calls }])
  // The verification was all that was ever sent with it.
  expect(keysSeen().filter((key) => key === 'sk-ant-bad')).toHaveLength(1)
  expect(events.map(({ type }) => type)).toEqual(['rotation.started', 'rotation.rolled_back'])
})

it('to a key that is refused only in use, no call fails: calls go back to the key before', async () => {
  const { report, calls, failed } = await underLoad(() =>
    rotate('sk-ant-bad', { verify: async () => ({ ok: true }) }),
  )
  expect(report).toMatchObject({ outcome: 'rolled_back', reason: 'refused_in_use' })
  expect(failed).toEqual([])
  const refused = keysSeen().filter((key) => key === 'sk-ant-bad').length
  expect(refused).toBeGreaterThan(0)
  const leases = vault.leases()
  expect(leases.every(({ open }) => open === 0)).toBe(true)
  // Each call that met the bad key was sent once more, with a lease of its own.
  expect(leases.reduce((sum, { granted }) => sum + granted, 0)).toBe(calls + refused)
  expect(events.map(({ type }) => type)).toEqual([
    'rotation.started',
    'rotation.promoted',
    'version.refused',
    'rotation.rolled_back',
  ])
  expect((await vault.list('claude')).map(({ version, state }) => `${version} ${state}`)).toEqual([
    '1 active',
    '2 next',
  ])
})

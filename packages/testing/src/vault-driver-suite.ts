import assert from 'node:assert/strict'
import type { ConformanceCase } from './limit-store-suite.ts'

interface Version {
  readonly version: number
  readonly state: 'next' | 'active' | 'retiring' | 'revoked'
  readonly value?: string | undefined
  readonly fingerprint: string
  readonly createdAt: number
  readonly changedAt: number
}

interface Document {
  readonly format: 1
  readonly secrets: {
    readonly [name: string]: { readonly environment: string; readonly versions: readonly Version[] }
  }
  readonly fingerprintKey?: string | undefined
}

/** What the suite needs of a driver; a `VaultDriver` of `@spillway/key-vault` that can write has it. */
export interface TestedVaultDriver {
  readonly name: string
  load(): Promise<Document>
  update?(change: (document: Document) => Document): Promise<Document>
  revision?(): Promise<string | undefined>
  uses?(add: { readonly [version: string]: number }): Promise<{ readonly [version: string]: number }>
  close?(): void
}

/** Makes two drivers of one empty vault, as two processes have them. */
export type OpenVaultDrivers = () =>
  | readonly [TestedVaultDriver, TestedVaultDriver]
  | Promise<readonly [TestedVaultDriver, TestedVaultDriver]>

/** The same document with one more secret. */
function withSecret(document: Document, name: string, value = `sk-of-${name}`): Document {
  const version: Version = {
    ...{ version: 1, state: 'active', value, fingerprint: 'f1' },
    ...{ createdAt: 1_767_225_600_000, changedAt: 1_767_225_600_000 },
  }
  return {
    ...document,
    secrets: { ...document.secrets, [name]: { environment: 'test', versions: [version] } },
  }
}

const names = ({ secrets }: Document): string[] => Object.keys(secrets).sort()

/** What every driver of a vault that can write must do, for any test runner: `for (const { name, run } of cases) it(name, run)`. */
export function vaultDriverCases(open: OpenVaultDrivers): ConformanceCase[] {
  const on = (
    name: string,
    run: (
      one: TestedVaultDriver & { readonly update: NonNullable<TestedVaultDriver['update']> },
      other: TestedVaultDriver & { readonly update: NonNullable<TestedVaultDriver['update']> },
    ) => Promise<void>,
  ): ConformanceCase => ({
    name,
    async run() {
      const drivers = await open()
      try {
        const [one, other] = drivers.map((driver) => {
          assert.ok(driver.update, `${driver.name} is read-only: this suite is for drivers that can write`)
          return driver as typeof driver & { readonly update: NonNullable<typeof driver.update> }
        })
        assert.ok(one && other)
        await run(one, other)
      } finally {
        for (const driver of drivers) driver.close?.()
      }
    },
  })
  return [
    on('begins with an empty document', async (one) => {
      assert.deepEqual(names(await one.load()), [])
      assert.equal((await one.load()).format, 1)
    }),

    on('resolves with the new document once it is stored, and both see it', async (one, other) => {
      const stored = await one.update((document) => withSecret(document, 'claude'))
      assert.deepEqual(names(stored), ['claude'])
      assert.deepEqual(await other.load(), stored)
      assert.deepEqual(await one.load(), stored)
    }),

    on('gives each change what is stored, whoever stored it', async (one, other) => {
      await one.update((document) => withSecret(document, 'a'))
      await other.update((document) => withSecret(document, 'b'))
      await one.update((document) => withSecret(document, 'c'))
      assert.deepEqual(names(await other.load()), ['a', 'b', 'c'])
    }),

    on('keeps names, values and numbers exactly', async (one, other) => {
      const value = `sk-"\\'\n 水 ${'x'.repeat(10_000)}`
      const stored = await one.update((document) => withSecret(document, 'o-brien.1', value))
      assert.deepEqual(await other.load(), stored)
      assert.equal((await other.load()).secrets['o-brien.1']?.versions[0]?.value, value)
    }),

    on('changes nothing where the change throws, and throws the same', async (one, other) => {
      await one.update((document) => withSecret(document, 'claude'))
      const refusal = new Error('not this one')
      const refused = one.update(() => {
        throw refusal
      })
      await assert.rejects(refused, (error) => error === refusal)
      assert.deepEqual(names(await other.load()), ['claude'])
      // And the next change is not kept waiting.
      await other.update((document) => withSecret(document, 'openrouter'))
      assert.deepEqual(names(await one.load()), ['claude', 'openrouter'])
    }),

    on('loses no change when many are made at a time', async (one, other) => {
      const changes = Array.from({ length: 16 }, (_, index) =>
        (index % 2 === 0 ? one : other).update((document) => withSecret(document, `key-${index}`)),
      )
      await Promise.all(changes)
      assert.equal(names(await one.load()).length, 16)
      assert.deepEqual(await one.load(), await other.load())
    }),

    on('never shows half a change to those who read meanwhile', async (one, other) => {
      let isWriting = true
      const reading = (async () => {
        while (isWriting) {
          const { secrets } = await other.load()
          assert.equal(Object.hasOwn(secrets, 'left'), Object.hasOwn(secrets, 'right'))
          await new Promise((resolve) => setImmediate(resolve))
        }
      })()
      for (let turn = 0; turn < 5; turn++) {
        await one.update((document) => withSecret(withSecret(document, 'left'), 'right'))
        await one.update((document) => ({ ...document, secrets: {} }))
      }
      isWriting = false
      await reading
    }),

    on('has another revision after each change, and the same one without', async (one, other) => {
      const first = await other.revision?.()
      if (first === undefined) return
      assert.equal(await other.revision?.(), first)
      await one.update((document) => withSecret(document, 'claude'))
      const second = await other.revision?.()
      assert.notEqual(second, first)
      await one.update((document) => withSecret(document, 'claude', 'sk-ant-another'))
      assert.notEqual(await other.revision?.(), second)
    }),

    on('notes the last uses of versions, and keeps the latest of each', async (one, other) => {
      if (one.uses === undefined || other.uses === undefined) return
      await one.update((document) => withSecret(document, 'claude'))
      await one.uses({ 'claude@1': 2_000 })
      await other.uses({ 'claude@1': 1_000 })
      assert.equal((await one.uses({}))['claude@1'], 2_000)
    }),
  ]
}

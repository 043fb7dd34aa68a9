import assert from 'node:assert/strict'
import type { ConformanceCase } from './limit-store-suite.ts'

type Context = { readonly [name: string]: string }

/** What the suite needs of a sealer; a `Sealer` of `@spillway/key-vault` has it. */
export interface TestedSealer {
  seal(bytes: Uint8Array, context: Context): Promise<Uint8Array>
  open(sealed: Uint8Array, context: Context): Promise<Uint8Array>
}

/** Makes a sealer; each one that it makes has the same key. */
export type OpenSealer = () => TestedSealer | Promise<TestedSealer>

const context: Context = { service: 'claude' }
const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index)
const secret = 'sk-ant-canary-0123456789'

/** What every sealer of a vault must do, for any test runner: `for (const { name, run } of cases) it(name, run)`. */
export function sealerCases(open: OpenSealer): ConformanceCase[] {
  const on = (name: string, run: (sealer: TestedSealer) => Promise<void>): ConformanceCase => ({
    name,
    run: async () => run(await open()),
  })
  return [
    on('opens what it has sealed, whatever the bytes', async (sealer) => {
      const samples = [
        everyByte,
        Uint8Array.of(0),
        Uint8Array.of(10, 13, 0, 255),
        new Uint8Array(4000).fill(7),
      ]
      for (const bytes of samples) {
        const opened = await sealer.open(await sealer.seal(bytes, context), context)
        assert.deepEqual(Buffer.from(opened), Buffer.from(bytes))
      }
    }),

    on('opens what another one with the same key has sealed', async (sealer) => {
      const other = await open()
      const opened = await other.open(await sealer.seal(everyByte, context), context)
      assert.deepEqual(Buffer.from(opened), Buffer.from(everyByte))
    }),

    on('takes the names of a context in any order', async (sealer) => {
      const sealed = await sealer.seal(everyByte, { a: '1', b: '2' })
      await sealer.open(sealed, { b: '2', a: '1' })
    }),

    on('does not open for another context', async (sealer) => {
      const sealed = await sealer.seal(everyByte, context)
      const others: Context[] = [{}, { service: 'Claude' }, { service: 'claude', more: '' }]
      for (const other of others) await assert.rejects(sealer.open(sealed, other), JSON.stringify(other))
    }),

    on('never gives the same bytes twice, nor shows what it seals', async (sealer) => {
      const bytes = Buffer.from(secret)
      const [first, second] = await Promise.all([sealer.seal(bytes, context), sealer.seal(bytes, context)])
      assert.notDeepEqual(Buffer.from(first), Buffer.from(second))
      for (const encoding of ['utf8', 'base64', 'hex'] as const)
        assert.ok(!Buffer.from(first).toString('latin1').includes(bytes.toString(encoding).slice(0, 20)))
    }),

    on('leaves the bytes that it is given as they are', async (sealer) => {
      const bytes = Buffer.from(secret)
      const sealed = await sealer.seal(bytes, context)
      const before = Buffer.from(sealed)
      await sealer.open(sealed, context)
      assert.equal(bytes.toString(), secret)
      assert.deepEqual(Buffer.from(sealed), before)
    }),

    on('opens nothing that is cut or changed, and does not quote it', async (sealer) => {
      const bytes = Buffer.from(secret.repeat(4))
      const sealed = Buffer.from(await sealer.seal(bytes, context))
      await assert.rejects(sealer.open(sealed.subarray(0, sealed.length >> 1), context))
      for (let at = 0; at < sealed.length; at += Math.max(1, sealed.length >> 4)) {
        const changed = Buffer.from(sealed)
        changed[at] = (changed[at] ?? 0) ^ 0x01
        for (const damaged of [sealed.subarray(0, at), changed]) {
          const result = await sealer.open(damaged, context).catch((error: Error) => error)
          if (result instanceof Error) assert.ok(!result.message.includes(secret))
          // Bits that carry nothing, as some of base64 do, may change.
          else assert.deepEqual(Buffer.from(result), bytes)
        }
      }
    }),

    on('serves many at a time', async (sealer) => {
      const all = Array.from({ length: 20 }, async (_, index) => {
        const bytes = Buffer.from(`secret ${index}`)
        const opened = await sealer.open(await sealer.seal(bytes, context), context)
        assert.deepEqual(Buffer.from(opened), bytes)
      })
      await Promise.all(all)
    }),
  ]
}

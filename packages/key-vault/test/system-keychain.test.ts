import { AsyncEntry } from '@napi-rs/keyring'
import { expect, it } from 'vitest'
import { keychain } from '../src/keychain-sealer.ts'

const account = `test-${crypto.randomUUID()}`

/** Whether this machine has a keychain that works; containers often have none. */
async function isThere(): Promise<boolean> {
  try {
    const entry = new AsyncEntry('spillway-test', account)
    await entry.setPassword('probe')
    const found = await entry.getPassword()
    await entry.deletePassword()
    return found === 'probe'
  } catch {
    return false
  }
}
const hasKeychain = await isThere()
if (!hasKeychain) console.warn("skipped: this machine's keychain cannot be used")

it.skipIf(!hasKeychain)("the keychain of this machine keeps a vault's identity", async () => {
  const options = { service: 'spillway-test', account }
  try {
    const sealed = await keychain(options).seal(Buffer.from('hello'), {})
    expect(Buffer.from(await keychain(options).open(sealed, {})).toString()).toBe('hello')
  } finally {
    await new AsyncEntry('spillway-test', account).deletePassword()
  }
})

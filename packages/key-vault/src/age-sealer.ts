import type { armor as Armor, Decrypter, Encrypter, Identity } from 'age-encryption'
import { scryptIdentity, scryptRecipient } from './age-scrypt.ts'
import { readKeyFile } from './key-file.ts'
import { contextBytes, type SealContext, type Sealer } from './sealer.ts'
import { KeyVaultError, type KeyVaultErrorName } from './vault-error.ts'

// Loaded with the first use: its elliptic curves take a tenth of a second to load, and most programs have no sealed file.
const loadAge = () => import('age-encryption')

/** Passphrases; the first seals, each opens. */
export type PassphraseSource =
  | { readonly passphrase: string | readonly [string, ...string[]] | (() => Promise<string>) }
  | { readonly file: string }

export type AgePassphraseOptions = PassphraseSource & {
  /**
   * The cost of guessing, as a power of two, 1 to 20.
   * @default 18
   */
  readonly workFactor?: number
}

/** age identities (`AGE-SECRET-KEY-1…`); the first seals, each opens. */
export type AgeIdentityOptions =
  | { readonly identity: string | readonly [string, ...string[]] }
  | { readonly file: string }
  | { readonly read: () => Promise<readonly [string, ...string[]]> }

/** age's own default. */
const defaultWorkFactor = 18

/** Seals with a passphrase, in the age format (armored). */
export function agePassphrase(options: AgePassphraseOptions): Sealer {
  const workFactor = options.workFactor ?? defaultWorkFactor
  const keys = async (): Promise<readonly string[]> => {
    if ('file' in options) return readKeyFile(options.file, 'the passphrase file')
    const { passphrase } = options
    return typeof passphrase === 'function' ? [await passphrase()] : [passphrase].flat()
  }
  return ageSealer('age-passphrase', {
    wrong: 'WRONG_PASSPHRASE',
    advice:
      'the passphrase does not open the vault: check for another keyboard, another vault, or a later "vault rekey"',
    sealing: async () => scryptRecipient((await keys())[0] as string, workFactor),
    opening: async () => (await keys()).map(scryptIdentity),
  })
}

/** Seals to an identity, in the age format (armored). */
export function ageIdentity(options: AgeIdentityOptions): Sealer {
  const keys = async (): Promise<readonly string[]> => {
    if ('file' in options) return readKeyFile(options.file, 'the identity file')
    return 'read' in options ? options.read() : [options.identity].flat()
  }
  return ageSealer('age-identity', {
    wrong: 'WRONG_IDENTITY',
    advice: 'the vault is sealed to another identity: give the one that it was made with, or made over to',
    sealing: async () => {
      const { identityToRecipient } = await loadAge()
      return identityToRecipient((await keys())[0] as string).catch(badIdentity)
    },
    opening: keys,
  })
}

/** A new age identity, for {@link ageIdentity}. */
export async function newAgeIdentity(): Promise<string> {
  const { generateIdentity } = await loadAge()
  return generateIdentity()
}

interface AgeKeys {
  readonly wrong: KeyVaultErrorName
  readonly advice: string
  sealing(): Promise<Parameters<Encrypter['addRecipient']>[0]>
  opening(): Promise<readonly (string | Identity)[]>
}

function ageSealer(name: string, keys: AgeKeys): Sealer {
  return {
    name,
    async seal(bytes, context) {
      const { armor, Encrypter } = await loadAge()
      const encrypter = new Encrypter()
      encrypter.addRecipient(await keys.sealing())
      const sealed = await encrypter.encrypt(withContext(bytes, context))
      return new TextEncoder().encode(armor.encode(sealed))
    },
    async open(sealed, context) {
      const { armor, Decrypter } = await loadAge()
      const identities = await keys.opening()
      const file = decodeArmor(armor, sealed)
      const failures: string[] = []
      for (const identity of identities) {
        try {
          // One at a time: a passphrase costs work, and the first nearly always fits.
          const decrypter = new Decrypter()
          addIdentity(decrypter, identity)
          return withoutContext(await decrypter.decrypt(file), context)
        } catch (error) {
          if (error instanceof KeyVaultError) throw error
          failures.push((error as Error).message)
        }
      }
      // The library tells these two apart by their text alone; a test holds it to that.
      if (failures.every((message) => message.startsWith('no identity matched'))) {
        throw new KeyVaultError(keys.wrong, keys.advice)
      }
      throw new KeyVaultError(
        'DAMAGED',
        'the sealed part of the vault has been changed: restore it from a copy',
      )
    },
  }
}

function addIdentity(decrypter: Decrypter, identity: string | Identity): void {
  try {
    decrypter.addIdentity(identity)
  } catch (error) {
    badIdentity(error)
  }
}

function badIdentity(_: unknown): never {
  throw new KeyVaultError('INVALID_INPUT', 'this is no age identity: one begins with AGE-SECRET-KEY-1')
}

function decodeArmor(armor: typeof Armor, sealed: Uint8Array): Uint8Array {
  try {
    return armor.decode(Buffer.from(sealed).toString('latin1'))
  } catch {
    throw new KeyVaultError('DAMAGED', 'the sealed part of the vault is no age file: restore it from a copy')
  }
}

// age binds nothing to a file but its key, so what is sealed begins with a line that holds the context.

const newline = 0x0a

function withContext(bytes: Uint8Array, context: SealContext): Uint8Array {
  return Buffer.concat([contextBytes(context), Buffer.of(newline), bytes])
}

function withoutContext(bytes: Uint8Array, context: SealContext): Uint8Array {
  const end = bytes.indexOf(newline)
  if (end >= 0 && Buffer.from(contextBytes(context)).equals(bytes.subarray(0, end)))
    return bytes.subarray(end + 1)
  throw new KeyVaultError('WRONG_CONTEXT', 'the vault is bound to another context than the one given')
}

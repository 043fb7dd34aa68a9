import { rm } from 'node:fs/promises'
import { ageIdentity, agePassphrase, newAgeIdentity } from './age-sealer.ts'
import { fileBehind } from './file-place.ts'
import { readKeyFile } from './key-file.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'
import { type SealedFile, type SealedFileOptions, sealedFile } from './sealed-file.ts'
import { KeyVaultError } from './vault-error.ts'

/** A vault in a file whose key is in another: an age identity, or a passphrase. */
export interface AgeFileOptions extends Omit<SealedFileOptions, 'sealer'> {
  readonly keyFile: string
  /** @default 'identity' */
  readonly kind?: 'identity' | 'passphrase'
  /** See `agePassphrase`. */
  readonly workFactor?: number
}

/** The vault at `path`, opened with the key in `keyFile`. */
export function ageFile(options: AgeFileOptions): SealedFile {
  const { keyFile, kind = 'identity', workFactor, ...file } = options
  const sealer =
    kind === 'identity'
      ? ageIdentity({ file: keyFile })
      : agePassphrase({ file: keyFile, ...(workFactor !== undefined && { workFactor }) })
  return sealedFile({ ...file, sealer })
}

/**
 * Makes an empty vault and, where there is none yet, its key file.
 * @param passphrase the one to seal with; for a vault with an identity, one is made
 * @throws KeyVaultError EXISTS, INVALID_INPUT
 */
export async function initAgeFile(options: AgeFileOptions, passphrase?: string): Promise<SealedFile> {
  const { keyFile } = options
  const file = ageFile(options)
  const isThere = (await readPrivateFile(keyFile, 'the key file')) !== undefined
  if (isThere && passphrase !== undefined) {
    throw new KeyVaultError('EXISTS', `there is a passphrase in ${keyFile} already`)
  }
  if (!isThere) await writeKeys(keyFile, [await newKey(options, passphrase)])
  try {
    await file.create()
  } catch (error) {
    if (!isThere) await rm(await fileBehind(keyFile, 'the key file'), { force: true })
    throw error
  }
  return file
}

/**
 * Gives a vault a new key. The key file holds the new and the old one meanwhile, so that whoever reads the vault, in
 * the middle or after a crash, has the key that fits; then the new one alone.
 */
export async function rekeyAgeFile(options: AgeFileOptions, passphrase?: string): Promise<void> {
  const { keyFile } = options
  const key = await newKey(options, passphrase)
  await ageFile(options).reseal({
    before: async () => writeKeys(keyFile, [key, ...(await readKeyFile(keyFile, 'the key file'))]),
    after: () => writeKeys(keyFile, [key]),
  })
}

/** The shortest passphrase that is taken. */
const shortest = 12

async function newKey({ kind }: AgeFileOptions, passphrase: string | undefined): Promise<string> {
  if (kind !== 'passphrase') return newAgeIdentity()
  if (passphrase === undefined || passphrase.length < shortest) {
    throw new KeyVaultError(
      'INVALID_INPUT',
      `a passphrase has ${shortest} characters or more: five random words do well`,
    )
  }
  if (/[\r\n]|^#|^\s|\s$/.test(passphrase)) {
    throw new KeyVaultError(
      'INVALID_INPUT',
      'a passphrase is one line, does not begin with #, and has no space at its ends',
    )
  }
  return passphrase
}

function writeKeys(path: string, keys: readonly string[]): Promise<void> {
  return writePrivateFile(path, Buffer.from(`${keys.join('\n')}\n`), 'the key file')
}

import { isKeyVaultError, type Vault } from '@spillway/key-vault'
import type { AlertConfig } from '../config/config.ts'
import type { Address } from './receiver.ts'
import { problemOfSecret } from './standard-webhook.ts'

/** What is wrong with the address of a receiver, in words that do not repeat it; undefined where nothing is. */
export function problemOfAddress(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === '') return 'is not set'
  const url = URL.parse(text.trim())
  if (url === null || !/^https?:$/.test(url.protocol)) return 'is no URL that begins with https:// or http://'
  if (url.username !== '' || url.password !== '') return 'has a user and a password, which are not sent'
  return undefined
}

/**
 * Reads the address and the secrets of a receiver with each delivery. While the vault does not answer, what it said last holds:
 * that it cannot be read is news too.
 */
export function addressReader(
  { url, secret }: Pick<AlertConfig, 'url' | 'secret'>,
  vault: Pick<Vault, 'get'> | undefined,
): () => Promise<Address> {
  const last = new Map<string, string>()
  const read = async (reference: string): Promise<string | undefined> => {
    const name = reference.slice(reference.indexOf(':') + 1)
    if (reference.startsWith('env:')) return process.env[name]
    try {
      const value = (await vault?.get(name))?.expose()
      if (value !== undefined) last.set(reference, value)
      return value ?? last.get(reference)
    } catch (error) {
      const known = last.get(reference)
      if (known !== undefined) return known
      if (!isKeyVaultError(error)) throw error
      throw new Error(`${reference} cannot be read (${error.code})`)
    }
  }
  const readWell = async (
    reference: string,
    problemOf: (value: string | undefined) => string | undefined,
  ): Promise<string> => {
    const value = await read(reference)
    const problem = problemOf(value)
    if (problem !== undefined) throw new Error(`${reference} ${problem}`)
    return (value as string).trim()
  }
  return async () => ({
    url: await readWell(url, problemOfAddress),
    secrets: await Promise.all([secret ?? []].flat().map((each) => readWell(each, problemOfSecret))),
  })
}

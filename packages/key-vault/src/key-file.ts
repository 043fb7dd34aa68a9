import { readPrivateFile } from './private-file.ts'
import { KeyVaultError } from './vault-error.ts'

/**
 * The keys in a key file, one a line; empty lines and lines that begin with # count for nothing. The first seals, each
 * opens: so a file can hold the new and the old one while a vault changes over.
 * @throws KeyVaultError INSECURE_FILE, or MISSING
 */
export async function readKeyFile(path: string, what: string): Promise<readonly [string, ...string[]]> {
  const bytes = await readPrivateFile(path, what)
  if (bytes === undefined) throw new KeyVaultError('MISSING', `${what} ${path} does not exist`)
  const [first, ...others] = Buffer.from(bytes)
    .toString('utf8')
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  if (first === undefined) throw new KeyVaultError('MISSING', `${what} ${path} holds nothing`)
  return [first, ...others]
}

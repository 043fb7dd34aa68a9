import { type AgeFileOptions, ageFile } from './age-file-vault.ts'
import type { VaultDriver } from './driver.ts'
import { processEnvironment } from './environment.ts'
import { readKeyFile } from './key-file.ts'
import { isKeyVaultError, type KeyVaultErrorCode } from './vault-error.ts'
import { stateOf } from './versions.ts'

/** Something that was looked at. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error'
  readonly message: string
  /** Of an error of the vault. */
  readonly code?: KeyVaultErrorCode
}

/** Keys that are older had better be rotated, in milliseconds: 90 days. */
const old = 90 * 24 * 3600 * 1000

/** For whom a vault is looked over, and when. */
export interface ExamineOptions {
  /** @default the process's */
  readonly environment?: string
  /** Milliseconds since the Unix epoch. @default now */
  readonly epoch?: number
}

/** Looks a vault over: files, rights, key, contents. Changes nothing. */
export function examineAgeFile(options: AgeFileOptions, asked: ExamineOptions = {}): Promise<Finding[]> {
  const { keyFile } = options
  return examined(ageFile(options), asked, async (ok, warn) => {
    const keys = await readKeyFile(keyFile, 'the key file')
    ok(`the key file ${keyFile} is its owner's alone`)
    if (keys.length > 1) {
      warn(
        `the key file holds ${keys.length} keys: a change of keys was cut off, run "spillway vault rekey" again`,
      )
    }
  })
}

/** The same for a vault of any kind: whether it opens, and what it holds. */
export function examineVault(
  driver: Pick<VaultDriver, 'name' | 'load'>,
  asked: ExamineOptions = {},
): Promise<Finding[]> {
  return examined(driver, asked, async () => {})
}

type Say = (message: string) => void

async function examined(
  { name: path, load }: Pick<VaultDriver, 'name' | 'load'>,
  { environment = processEnvironment(), epoch = Date.now() }: ExamineOptions,
  first: (ok: Say, warn: Say) => Promise<void>,
): Promise<Finding[]> {
  const findings: Finding[] = []
  const ok: Say = (message) => void findings.push({ level: 'ok', message })
  const warn: Say = (message) => void findings.push({ level: 'warning', message })
  try {
    await first(ok, warn)
    const { secrets } = await load()
    const names = Object.keys(secrets)
    ok(`the vault ${path} opens and holds ${names.length} ${names.length === 1 ? 'secret' : 'secrets'}`)
    for (const [name, secret] of Object.entries(secrets)) {
      if (secret.environment !== environment) {
        warn(`secret "${name}" is for ${secret.environment}, and this is ${environment}: it is refused here`)
      }
      const active = secret.versions.findLast(({ state }) => state === 'active')
      if (active === undefined) warn(`secret "${name}" has no active version: calls that need it fail`)
      else if (epoch - active.createdAt > old) {
        warn(`secret "${name}" v${active.version} is older than 90 days: rotate it`)
      }
      const waiting = secret.versions.find((version) => stateOf(version, epoch) === 'next')
      if (waiting !== undefined) {
        warn(
          `secret "${name}" v${waiting.version} waits to be promoted${waiting.note ? ` (${waiting.note})` : ''}`,
        )
      }
    }
  } catch (error) {
    if (!isKeyVaultError(error)) throw error
    findings.push({ level: 'error', message: error.message, code: error.code })
  }
  return findings
}

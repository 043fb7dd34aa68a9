import { readCredential } from '@spillway/wire'
import { fingerprintOf, withFingerprintKey } from './fingerprint.ts'
import type { StoredSecret, StoredVersion, VaultDocument, VersionState } from './vault-document.ts'
import { KeyVaultError } from './vault-error.ts'

// What can be done to the versions of a secret: pure functions from a document to the next. `at` is the time of the
// change, in milliseconds since the Unix epoch.

/** The state of a version at a time: a retiring one whose grace is over counts as revoked, written or not. */
export function stateOf({ state, until = Infinity }: StoredVersion, at: number): VersionState {
  return state === 'retiring' && until <= at ? 'revoked' : state
}

/** @throws KeyVaultError UNKNOWN_SECRET */
export function secretOf(document: VaultDocument, name: string): StoredSecret {
  const secret = Object.hasOwn(document.secrets, name) ? document.secrets[name] : undefined
  if (secret !== undefined) return secret
  const known = Object.keys(document.secrets)
  throw new KeyVaultError(
    'UNKNOWN_SECRET',
    `the vault has no secret "${printable(name)}"; it has ${known.length === 0 ? 'none' : known.join(', ')}`,
  )
}

/** A version to be added. */
export interface NewVersion {
  readonly name: string
  readonly value: string
  readonly environment: string
  /** @default 'active' where no version is, else 'next' */
  readonly state?: 'next'
}

/**
 * A new secret whose first version is active, or a new version of an old one, which waits as `next` in the place of
 * any other that waits.
 */
export function addVersion(
  before: VaultDocument,
  added: NewVersion,
  at: number,
): { readonly document: VaultDocument; readonly version: number } {
  const { name, environment } = added
  checkName(name)
  const value = keyFrom(added.value)
  const document = withFingerprintKey(before)
  const known = Object.hasOwn(document.secrets, name) ? document.secrets[name] : undefined
  if (known !== undefined && known.environment !== environment) {
    throw new KeyVaultError(
      'WRONG_ENVIRONMENT',
      `secret "${name}" is for ${known.environment}: put a key for ${environment} in a separate vault`,
    )
  }
  const version = (known?.versions.at(-1)?.version ?? 0) + 1
  const hasActive = known?.versions.some((other) => other.state === 'active')
  const state = added.state ?? (hasActive ? 'next' : 'active')
  const latest: StoredVersion = {
    version,
    state,
    value,
    fingerprint: fingerprintOf(value, document.fingerprintKey),
    createdAt: at,
    changedAt: at,
  }
  const others = (known?.versions ?? []).map((other) =>
    other.state === 'next' ? revoked(other, at, `version ${version} took its place`) : settled(other, at),
  )
  return { document: withVersions(document, name, environment, [...others, latest]), version }
}

/**
 * Makes the version that waits the active one; the one before is retiring until then.
 * @throws KeyVaultError NO_VERSION when none waits, or another than `version`
 */
export function promote(
  document: VaultDocument,
  name: string,
  { version, until }: { readonly version?: number | undefined; readonly until: number },
  at: number,
): VaultDocument {
  const waiting = secretOf(document, name).versions.find(({ state }) => state === 'next')
  if (waiting === undefined) throw noVersion(name, 'no version is waiting to be promoted: add one first')
  if (version !== undefined && waiting.version !== version) {
    throw noVersion(name, `version ${version} is not the one that waits; version ${waiting.version} is`)
  }
  return change(document, name, at, (other) => {
    if (other === waiting) return { ...plain(other), state: 'active', changedAt: at }
    return other.state === 'active' ? { ...plain(other), state: 'retiring', changedAt: at, until } : other
  })
}

/**
 * Takes a version's value away for good.
 * @throws KeyVaultError NO_VERSION when there is no such version
 */
export function revoke(
  document: VaultDocument,
  name: string,
  version: number,
  at: number,
  note?: string,
): VaultDocument {
  const found = secretOf(document, name).versions.find((other) => other.version === version)
  if (found === undefined) throw noVersion(name, `there is no version ${version}`)
  return change(document, name, at, (other) => (other === found ? revoked(other, at, note) : other))
}

/** Puts a version that calls found refused back into waiting, and the one before it back to work. */
export function takeBack(document: VaultDocument, name: string, version: number, at: number): VaultDocument {
  const { versions } = secretOf(document, name)
  const refused = versions.find((other) => other.version === version && other.state === 'active')
  const previous = versions.findLast((other) => stateOf(other, at) === 'retiring')
  if (refused === undefined || previous === undefined) return document
  return change(document, name, at, (other) => {
    if (other === previous) return { ...plain(other), state: 'active', changedAt: at }
    if (other === refused)
      return { ...plain(other), state: 'next', changedAt: at, note: 'refused by the upstream' }
    return other.state === 'next' ? revoked(other, at, `version ${version} took its place`) : other
  })
}

function change(
  document: VaultDocument,
  name: string,
  at: number,
  each: (version: StoredVersion) => StoredVersion,
): VaultDocument {
  const { environment, versions } = secretOf(document, name)
  return withVersions(
    document,
    name,
    environment,
    versions.map((version) => settled(each(version), at)),
  )
}

function withVersions(
  document: VaultDocument,
  name: string,
  environment: string,
  versions: readonly StoredVersion[],
): VaultDocument {
  return { ...document, secrets: { ...document.secrets, [name]: { environment, versions } } }
}

/** With what the passing of time has done to it. */
function settled(version: StoredVersion, at: number): StoredVersion {
  return version.state !== 'revoked' && stateOf(version, at) === 'revoked' ? revoked(version, at) : version
}

function revoked(version: StoredVersion, at: number, note?: string): StoredVersion {
  const { value: _, note: __, ...rest } = plain(version)
  return { ...rest, state: 'revoked', changedAt: at, ...(note !== undefined && { note }) }
}

/** Without what belonged to its state. */
function plain({ until: _, note: __, ...version }: StoredVersion): StoredVersion {
  return version
}

function noVersion(name: string, message: string): KeyVaultError {
  return new KeyVaultError('NO_VERSION', `secret "${name}": ${message}`)
}

function checkName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && name !== '__proto__') return
  throw new KeyVaultError(
    'INVALID_INPUT',
    'the name of a secret has up to 64 letters, digits, dots, dashes and underscores',
  )
}

/**
 * A key as it was given, without the white space around it: one that holds a line break fails in ways that are hard to see.
 * @throws KeyVaultError INVALID_INPUT for what can be no key
 */
export function keyFrom(text: string): string {
  const read = readCredential(text)
  if ('value' in read) return read.value
  throw new KeyVaultError('INVALID_INPUT', `the key ${read.problem}: give the key and nothing else`)
}

/** What is asked for may be a key by mistake: only what could be a name is repeated. */
function printable(name: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(name) && !/^sk-/.test(name) ? name : '(not shown)'
}

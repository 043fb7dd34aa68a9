import { lstat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Clock, systemClock } from '@spillway/middleware'
import type { LastUses, VaultDriver } from './driver.ts'
import { fileBehind } from './file-place.ts'
import { fileRevision, lockedFileDefaults, withLockedFile } from './locked-file.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'
import { frame, unframe } from './sealed-format.ts'
import type { SealContext, Sealer } from './sealer.ts'
import { decodeDocument, emptyDocument, encodeDocument, type VaultDocument } from './vault-document.ts'
import { KeyVaultError } from './vault-error.ts'

export interface SealedFileOptions {
  /** The vault's file. */
  readonly path: string
  /**
   * Who seals it. Of a list, the first seals and each may open, so that a vault can be read before and after it has
   * got a new key.
   */
  readonly sealer: Sealer | readonly [Sealer, ...Sealer[]]
  /**
   * What the vault is bound to; it opens under the same context only. Not secret.
   * @default { service: 'spillway' }
   */
  readonly context?: SealContext
  /**
   * How long to wait for another process that writes, in milliseconds.
   * @default 10000
   */
  readonly lockWait?: number
  readonly clock?: Clock
}

/** The defaults of {@link SealedFileOptions}. */
export const sealedFileDefaults: { readonly lockWait: number } = lockedFileDefaults

const defaultContext: SealContext = { service: 'spillway' }

/** What to reseal a vault with. */
export interface Reseal {
  /** @default the first sealer of the file */
  readonly sealer?: Sealer
  /** @default the file's */
  readonly context?: SealContext
  /** Runs before anything is read, and after everything is written, while no other process can write. */
  readonly before?: () => Promise<void>
  readonly after?: () => Promise<void>
}

/** A vault in one sealed file, which only its owner can read, even sealed. */
export interface SealedFile extends VaultDriver {
  readonly path: string
  update(change: (document: VaultDocument) => VaultDocument): Promise<VaultDocument>
  /**
   * Makes the file, with nothing in it.
   * @throws KeyVaultError EXISTS
   */
  create(): Promise<void>
  /**
   * Reseals what is there. The file is under the old key or under the new one at any moment. Writes nothing before the new one has shown that it opens what it seals.
   */
  reseal(next?: Reseal): Promise<void>
}

/** Keeps a vault in a file, see {@link SealedFile}. */
export function sealedFile(options: SealedFileOptions): SealedFile {
  const path = resolve(options.path)
  const clock = options.clock ?? systemClock
  const wait = options.lockWait ?? sealedFileDefaults.lockWait
  let context = options.context ?? defaultContext
  let sealers = [options.sealer].flat() as Sealer[]

  const read = async (): Promise<Uint8Array> => {
    const bytes = await readPrivateFile(path, 'the vault')
    if (bytes !== undefined) return bytes
    throw new KeyVaultError('MISSING', `there is no vault at ${path}: make one with "spillway vault init"`)
  }
  const revision = (): Promise<string | undefined> => fileRevision(path)
  const openOnce = async (): Promise<VaultDocument> => {
    const { sealer, sealed } = unframe(await read(), path)
    return decodeDocument(await openWithAny(sealers, sealer, sealed, context, path), path)
  }
  const open = async (): Promise<VaultDocument> => {
    const before = await revision()
    try {
      return await openOnce()
    } catch (error) {
      // The vault may have got a new key between the reading of the one and of the other.
      if (before === undefined || before === (await revision())) throw error
      return openOnce()
    }
  }
  const write = async (document: VaultDocument): Promise<void> => {
    const [sealer] = sealers as [Sealer]
    await writeSealed(frame(sealer.name, await sealer.seal(encodeDocument(document), context)))
  }
  const writeSealed = (bytes: Uint8Array): Promise<void> => writePrivateFile(path, bytes, 'the vault')
  const locked = <T>(work: (file: string) => Promise<T>): Promise<T> =>
    withLockedFile(path, { clock, wait, what: 'the vault' }, work)

  return {
    name: path,
    path,
    load: open,
    update: (change) =>
      locked(async () => {
        const before = await open()
        const after = change(before)
        if (after !== before) await write(after)
        return after
      }),
    create: () =>
      locked(async (file) => {
        if (await exists(file)) throw new KeyVaultError('EXISTS', `there is a vault at ${path} already`)
        await write(emptyDocument)
      }),
    reseal: ({ sealer: next = sealers[0] as Sealer, context: nextContext = context, before, after } = {}) =>
      locked(async () => {
        await before?.()
        const document = await open()
        const bytes = encodeDocument(document)
        const sealed = await next.seal(bytes, nextContext)
        if (!Buffer.from(await next.open(sealed, nextContext)).equals(bytes)) {
          throw new KeyVaultError('DAMAGED', `${next.name} does not open what it seals; nothing was written`)
        }
        await writeSealed(frame(next.name, sealed))
        sealers = [next, ...sealers.filter((sealer) => sealer !== next)]
        context = nextContext
        await after?.()
      }),
    revision,
    uses: (add) => noteUses(path, add),
    close() {
      for (const sealer of sealers) sealer.close?.()
    },
  }
}

/** Tries the sealers of the name that the file gives, in their order; the error is the first one's. */
async function openWithAny(
  sealers: readonly Sealer[],
  name: string,
  sealed: Uint8Array,
  context: SealContext,
  path: string,
): Promise<Uint8Array> {
  const fitting = sealers.filter((sealer) => sealer.name === name)
  if (fitting.length === 0) {
    throw new KeyVaultError(
      'WRONG_SEALER',
      `${path} is sealed by ${name}, and this process would open it with ${sealers.map((s) => s.name).join(' or ')}`,
    )
  }
  let first: unknown
  for (const sealer of fitting) {
    try {
      return await sealer.open(sealed, context)
    } catch (error) {
      first ??= error
    }
  }
  throw first
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

/** Times are all that it holds, so what is lost when two write at once is a time. */
async function noteUses(vault: string, add: LastUses): Promise<LastUses> {
  try {
    const path = `${await fileBehind(vault, 'the vault')}.uses`
    const bytes = await readPrivateFile(path, 'the record of uses')
    const noted = bytes === undefined ? {} : (JSON.parse(Buffer.from(bytes).toString()) as LastUses)
    if (Object.keys(add).length === 0) return noted
    const merged: Record<string, number> = { ...noted }
    for (const [version, at] of Object.entries(add)) merged[version] = Math.max(at, merged[version] ?? 0)
    await writePrivateFile(path, Buffer.from(JSON.stringify(merged)), 'the record of uses')
    return merged
  } catch {
    return add
  }
}

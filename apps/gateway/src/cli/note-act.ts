import type { Vault } from '@spillway/key-vault'
import type { LedgerStore } from '@spillway/ledger'
import { admin } from './admin.ts'

/**
 * Notes an administrative act in the audit log at SPILLWAY_STORAGE; nothing where that is not set. SPILLWAY_AUDIT_KEY says
 * which key signs it, as `storage.auditKey` does: env:NAME, or vault:NAME in the vault that the command works on.
 */
export async function noteAct(
  action: string,
  details: { readonly [name: string]: unknown },
  vault?: Pick<Vault, 'get'>,
): Promise<void> {
  const { SPILLWAY_STORAGE: url, SPILLWAY_AUDIT_KEY: references } = process.env
  if (!url) return
  // Loaded when there is something to note: few commands do that, and a database takes most of their time.
  const [{ openLedgerStore }, { auditKeysOf }, { storageUrl }] = await Promise.all([
    import('@spillway/ledger'),
    import('../ledger/audit-keys.ts'),
    import('../ledger/books.ts'),
  ])
  let store: LedgerStore | undefined
  try {
    const list = references?.split(',').map((reference) => reference.trim())
    if (list?.some((reference) => !/^(env|vault):./.test(reference)))
      throw new Error('SPILLWAY_AUDIT_KEY: expected env:NAME or vault:NAME, never a key itself')
    const auditKey = await auditKeysOf(list, vault, 'SPILLWAY_AUDIT_KEY')
    store = openLedgerStore(storageUrl(url), { auditKey, warn: console.error })
    await store.audit.append([{ id: crypto.randomUUID(), at: Date.now(), actor: admin(), action, details }])
  } catch (error) {
    console.error(
      `the audit log at SPILLWAY_STORAGE did not take the entry of this command: ${(error as Error).message}`,
    )
    process.exitCode = 1
  } finally {
    await store?.close()
  }
}

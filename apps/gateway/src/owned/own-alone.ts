import type { Owners } from './owners.ts'

/**
 * A vendor's list of batches or files with those that one client has made; all clients of a gateway share the vendor's key, and with it
 * the list. Cursors stay, so that pages can be read on.
 */
export async function ownAlone(text: string, owners: Pick<Owners, 'of'>, tenant: string): Promise<string> {
  const list = JSON.parse(text) as { readonly data?: unknown }
  const data = Array.isArray(list.data) ? (list.data as unknown[]) : []
  const kept: unknown[] = []
  for (const each of data) {
    const id = (each as { readonly id?: unknown } | null)?.id
    if (typeof id === 'string' && (await owners.of(id))?.tenant === tenant) kept.push(each)
  }
  return JSON.stringify({ ...list, data: kept })
}

import type { ClientDocument } from './client-document.ts'

/** Who waits for which client to be revoked: as many as calls are in flight. */
export interface Revocations {
  /** @returns what forgets the listener */
  when(name: string, listener: () => void): () => void
  /** Calls, once, the listeners of clients that are revoked. */
  look(document: Pick<ClientDocument, 'clients'>): void
}

export function openRevocations(): Revocations {
  const listeners = new Map<string, Set<() => void>>()
  return {
    when(name, listener) {
      const ofClient = listeners.get(name) ?? new Set()
      listeners.set(name, ofClient.add(listener))
      return () => {
        ofClient.delete(listener)
        if (ofClient.size === 0 && listeners.get(name) === ofClient) listeners.delete(name)
      }
    },
    look({ clients }) {
      for (const [name, ofClient] of listeners) {
        // Who presents a token of the identity provider is in no document.
        if (!Object.hasOwn(clients, name) || clients[name]?.revokedAt === undefined) continue
        listeners.delete(name)
        for (const listener of ofClient) listener()
      }
    },
  }
}

import type { ChildProcess } from 'node:child_process'

/** What `node:cluster` sends to a worker, as far as it concerns connections. */
interface ClusterMessage {
  readonly cmd?: unknown
  readonly act?: unknown
  readonly key?: unknown
  readonly seq?: unknown
}

interface ConnectionHandle {
  close(): void
}

/** Connections of a primary that its workers have not taken yet. */
export interface Handovers {
  /** Keeps in mind what is handed to this worker, from its fork on. */
  watch(child: ChildProcess): void
}

/**
 * Gives a connection to another worker when the one to which it was handed ends before it has taken it. `node:cluster` waits
 * for that worker's answer without end: the client's call would hang, and the descriptor stay open.
 *
 * The answer of a worker that takes no more connections (`accepted: false`) makes `node:cluster` choose another one, so this is given in the
 * place of the worker that has ended. A connection counts as taken only after the worker's answer, before it has read a byte of it.
 * Where no other worker listens, the connection is closed: the client sees that it failed, and may try again.
 */
export function createHandovers(): Handovers {
  /** Those that listen, by what they listen at. */
  const listeners = new Map<unknown, Set<ChildProcess>>()

  return {
    watch(child) {
      const waiting = new Map<unknown, { readonly key: unknown; readonly handle: ConnectionHandle }>()
      const send = child.send.bind(child) as (...all: unknown[]) => boolean
      child.send = ((message: ClusterMessage, ...rest: unknown[]) => {
        if (message?.cmd === 'NODE_CLUSTER') {
          const { act, key, seq } = message
          const [handle] = rest
          if (act === 'newconn' && handle) waiting.set(seq, { key, handle: handle as ConnectionHandle })
          // The answer to a worker that asks to listen.
          else if (act === undefined && key !== undefined) {
            listeners.set(key, (listeners.get(key) ?? new Set()).add(child))
          }
        }
        return send(message, ...rest)
      }) as ChildProcess['send']
      const forget = (key: unknown): void => {
        const left = listeners.get(key)
        left?.delete(child)
        if (left?.size === 0) listeners.delete(key)
      }
      child.on('internalMessage', (message: { readonly ack?: unknown; act?: unknown; key?: unknown }) => {
        if (message.ack !== undefined) waiting.delete(message.ack)
        if (message.act === 'close') forget(message.key)
      })
      const reclaim = (): void => {
        for (const key of [...listeners.keys()]) forget(key)
        for (const [seq, { key, handle }] of [...waiting]) {
          if (listeners.has(key))
            child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false })
          else handle.close()
        }
        waiting.clear()
      }
      // When all that it has sent was received. `disconnect` is not emitted where a handle was on its way.
      child.on('disconnect', reclaim)
      child.on('exit', () => {
        if (!child.connected) reclaim()
      })
    },
  }
}

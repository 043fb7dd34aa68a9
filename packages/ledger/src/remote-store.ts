import { type Ask, askStore, storeOf } from './split-store.ts'
import type { LedgerStore } from './store.ts'

/** A method of a store, to be called in another process. */
export interface StoreQuestion {
  readonly part: 'store' | 'audit'
  readonly name: string
  /** Plain values; without the signal. */
  readonly parameters: readonly unknown[]
}

export interface RemoteStoreOptions {
  /**
   * Asks the process that has the store, and gives what that one's {@link answerStore} gave or threw: with its message, `code` and `errcode`,
   * by which a row that the database refuses is distinguished from a database that is unavailable.
   * @param signal of a write: aborted when the writer no longer waits. It must settle when the write has ended all the same, so that writes do
   * not pile up.
   */
  readonly ask: (question: StoreQuestion, signal: AbortSignal | undefined) => Promise<unknown>
  readonly close?: (() => Promise<void>) | undefined
}

/** A store that another process has open: for several processes with one writer. */
export function remoteStore({ ask, close = async () => {} }: RemoteStoreOptions): LedgerStore {
  const send: Ask = (part, name, given) => {
    const last = given.at(-1)
    const signal = last instanceof AbortSignal ? last : undefined
    const parameters = given.filter((parameter) => !(parameter instanceof AbortSignal))
    return ask({ part, name, parameters }, signal)
  }
  return storeOf({ write: send, read: send, close })
}

/** Methods that take a signal behind their one parameter. */
const cancellable = new Set(['store write', 'audit append'])

const methods = methodsOf()

/**
 * Answers what {@link remoteStore} asks. The store is not closed by it.
 * @throws TypeError for what is no method of a store
 */
export function answerStore(
  store: LedgerStore,
): (question: StoreQuestion, signal?: AbortSignal) => Promise<unknown> {
  const ask = askStore(store)
  return async ({ part, name, parameters }, signal) => {
    const method = `${part} ${name}`
    if (!methods.has(method)) throw new TypeError(`a store has no ${name}`)
    return ask(part, name, cancellable.has(method) ? [...parameters.slice(0, 1), signal] : parameters)
  }
}

function methodsOf(): Set<string> {
  const none = async (): Promise<void> => {}
  const { audit, close: _, ...store } = storeOf({ write: none, read: none, close: none })
  return new Set([
    ...Object.keys(store).map((name) => `store ${name}`),
    ...Object.keys(audit).map((name) => `audit ${name}`),
  ])
}

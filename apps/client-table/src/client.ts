import { wrapFetch } from '@spillway/attempt'
import type { Middleware } from '@spillway/middleware'

/** How the policies come into a client. */
export type Way = 'wrapFetch' | 'sdkMiddleware' | 'resilientModel'

/** What a call of a client is made with. */
export interface CallOptions {
  readonly url: string
  /** Undefined where the client is left alone. */
  readonly policies: readonly Middleware[] | undefined
  readonly stream: boolean
  readonly signal: AbortSignal
  /** How its users reach the network. @default the global one */
  readonly fetch?: typeof globalThis.fetch
}

/** The `fetch` option of a client, with the policies around it. */
export function fetchOf({ policies, fetch = globalThis.fetch }: CallOptions): typeof globalThis.fetch {
  return policies === undefined ? fetch : wrapFetch(fetch, ...policies)
}

/** A client as its users have it. Its own retries are off: one owner of retries is what all READMEs advise. */
export interface Client {
  readonly name: string
  /** The npm package whose version is listed. */
  readonly package: string
  readonly way: Way
  readonly note?: string
  /** Asks, and resolves with the text of the answer. */
  ask(options: CallOptions): Promise<string>
}

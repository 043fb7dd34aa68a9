import type { ModelRequest } from '@spillway/middleware'

declare module '@spillway/middleware' {
  interface RequestContext {
    /** The name of the key that the caller presented, a fingerprint; undefined where it presented none. */
    readonly caller?: string | undefined
  }
}

/** Whose key a call brings, where endpoints are asked with callers' own. Callers without a key are one caller. */
export function callerOf({ context }: Pick<ModelRequest, 'context'>): string {
  return context.caller ?? 'nobody'
}

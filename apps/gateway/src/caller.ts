import type { ModelRequest } from '@spillway/middleware'

declare module '@spillway/middleware' {
  interface RequestContext {
    /** The name of the key that the caller presented, a fingerprint; undefined where it presented none. */
    readonly caller?: string | undefined
    /** How important it is, from 0 (goes first) to 9, as its client, header or route says; undefined where none does. */
    readonly priority?: number | undefined
    /**
     * The clouds that the caller's credential may be for, where the path says that it is for none but them: `cloud` for those that
     * take first-party calls below `/anthropic`.
     */
    readonly callersCloud?: 'bedrock' | 'vertex' | 'cloud' | undefined
  }
}

/** Whose key a call brings, where endpoints are asked with callers' own. Callers without a key are one caller. */
export function callerOf({ context }: Pick<ModelRequest, 'context'>): string {
  return context.caller ?? 'nobody'
}

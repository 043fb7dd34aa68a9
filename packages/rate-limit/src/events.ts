// Merged into the contract's events; `index.ts` reaches this file, so that users of the package have their types.
declare module '@spillway/middleware' {
  interface EventMap {
    /** A call had to wait for capacity within the limits. */
    'limit.waited': { readonly waitMs: number }
  }
}

export {}

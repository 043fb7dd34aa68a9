// Merged into the contract's events; `index.ts` reaches this file, so that users of the package have their types.
declare module '@spillway/middleware' {
  interface EventMap {
    /** A call had to wait for a connection before its attempt began. */
    'connection.waited': { readonly waitMs: number }
  }
}

export {}

import type { Loss } from './protocols/loss.ts'

declare module '@spillway/middleware' {
  interface EventMap {
    /** A request, or its answer, has lost something on its way to a target that can do less. */
    degraded: { readonly losses: readonly Loss[] }
  }
}

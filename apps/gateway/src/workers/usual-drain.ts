/** How long calls in flight may go on after the first signal, in milliseconds, where `server.drainFor` says nothing else. */
export const usualDrain: number = 30_000

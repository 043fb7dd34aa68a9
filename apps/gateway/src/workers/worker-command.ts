/** What the primary starts its workers with; it is in no list of commands. */
export const workerCommand = 'worker'

/**
 * What the terminal and service managers send to all processes of a gateway, where it is the primary that decides. Heard from the first
 * moment on.
 */
export function ignoreGroupSignals(): void {
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
}

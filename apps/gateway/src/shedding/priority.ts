/** How important a call is, as it is written: `interactive`, `batch`, or a number from 0 (goes first) to 9 (goes last, shed first). */
export type Priority = keyof typeof namedPriorities | number

/** Names of priorities. `interactive` is what a call has where nothing is said: the default priority of queues. */
export const namedPriorities = { interactive: 5, batch: 9 } as const

export const interactive: number = namedPriorities.interactive
export const batch: number = namedPriorities.batch

/** What is expected where a priority is written, for errors. */
export const expectedPriority = 'expected interactive, batch, or a whole number from 0 (first) to 9 (last)'

/** The number of a priority; undefined for what is none. */
export function priorityOf(given: unknown): number | undefined {
  if (given === 'interactive' || given === 'batch') return namedPriorities[given]
  return Number.isInteger(given) && (given as number) >= 0 && (given as number) <= 9
    ? (given as number)
    : undefined
}

/** The same from a text, as headers and command lines have it. */
export function readPriority(text: string): Priority | undefined {
  const trimmed = text.trim()
  if (trimmed === 'interactive' || trimmed === 'batch') return trimmed
  return /^\d$/.test(trimmed) ? Number(trimmed) : undefined
}

/** The name of a number where it has one. */
export const nameOfPriority = (priority: number): string =>
  priority === interactive ? 'interactive' : priority === batch ? 'batch' : String(priority)

/** The header by which a call says that it is less important than its client's others. */
export const priorityHeader = 'x-spillway-priority'

/** Whose calls they are. */
interface Prioritised {
  readonly priority?: number | undefined
  readonly permissions: ReadonlySet<string>
}

/**
 * The priority of a call by its head: that of its client, which a header lowers, and raises where the client may. Undefined where
 * none is set; an error message where the header is invalid.
 */
export function priorityOfHead(
  header: string | string[] | undefined,
  client: Prioritised | undefined,
): number | undefined | string {
  const own = client?.priority
  if (header === undefined) return own
  const said = typeof header === 'string' ? priorityOf(readPriority(header)) : undefined
  if (said === undefined) return `${priorityHeader}: ${expectedPriority}`
  return client?.permissions.has('priority') ? said : Math.max(said, own ?? interactive)
}

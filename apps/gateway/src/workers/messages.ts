/** What one batch holds. Arrays and numbers: each batch is serialised, and names of fields would be sent again and again. */
export type Entry =
  | readonly [kind: typeof kinds.request, id: number, name: string, argument: unknown]
  | readonly [kind: typeof kinds.answer, id: number, answer: unknown]
  | readonly [kind: typeof kinds.failure, id: number, failure: Failure]
  | readonly [kind: typeof kinds.cancel, id: number]
  | readonly [kind: typeof kinds.note, name: string, argument: unknown]

export const kinds: {
  readonly request: 0
  readonly answer: 1
  readonly failure: 2
  readonly cancel: 3
  readonly note: 4
} = { request: 0, answer: 1, failure: 2, cancel: 3, note: 4 }

/** What goes over a port. Others may use it too: what has no `spillway` is theirs. */
export interface Batch {
  /** The version of this protocol. */
  readonly spillway: 1
  readonly entries: readonly Entry[]
}

export function isBatch(message: unknown): message is Batch {
  if (typeof message !== 'object' || message === null) return false
  const { spillway, entries } = message as Partial<Batch>
  return spillway === 1 && Array.isArray(entries)
}

/** An error without its stack. Codes of errors do not survive serialisation by themselves. */
export interface Failure {
  readonly name: string
  readonly message: string
  /** Own fields that are text, numbers or truth values, such as `code`. */
  readonly fields: Readonly<Record<string, string | number | boolean>>
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), fields: {} }
  const fields: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(error))
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      fields[name] = value
  return { name: error.name, message: error.message, fields }
}

/** Errors that are told apart by their class. */
const classes: Readonly<Record<string, new (message: string) => Error>> = { RangeError, TypeError }

export function errorOf({ name, message, fields }: Failure): Error {
  const of = classes[name]
  if (of !== undefined) return Object.assign(new of(message), fields)
  return Object.assign(new Error(message), fields, { name })
}

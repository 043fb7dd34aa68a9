import type { z } from 'zod'
import { BadParameter } from './bad-parameter.ts'
import { changedClient, client, keyed, newClient, noBody, rotation } from './clients.ts'
import type { QueryName } from './parameters.ts'
import { targets } from './state.ts'

/** Something that can be done below `/api`. */
export interface Act {
  readonly summary: string
  readonly query: QueryName
  readonly body: z.ZodType
  readonly status: 200 | 201
  readonly answer: z.ZodType
  /** Whether `if-match` is understood. */
  readonly isConditional?: boolean
}

/** All acts by their methods and paths; `{name}` is a part that varies. */
export const acts = {
  'POST /api/targets': {
    summary:
      'Reopens limits that a 429 of the vendor closed, and forgets the remaining quota that it reported',
    ...{ query: 'openLimits', body: noBody, status: 200, answer: targets },
  },
  'POST /api/clients': {
    summary: 'Adds a client; its key is in this answer alone',
    ...{ query: 'nothing', body: newClient, status: 201, answer: keyed },
  },
  'PATCH /api/clients/{name}': {
    summary: 'Changes what a client may do',
    ...{ query: 'nothing', body: changedClient, status: 200, answer: client, isConditional: true },
  },
  'POST /api/clients/{name}/rotate': {
    summary: 'Gives a client a new key, which is in this answer alone',
    ...{ query: 'nothing', body: rotation, status: 200, answer: keyed },
  },
  'POST /api/clients/{name}/revoke': {
    summary: 'Revokes a client: its keys are refused permanently, and calls in flight end',
    ...{ query: 'nothing', body: noBody, status: 200, answer: client },
  },
} as const satisfies Readonly<Record<string, Act>>

export type ActName = keyof typeof acts
export type ActBody<A extends ActName> = z.output<(typeof acts)[A]['body']>

/**
 * The body of an act, with its defaults.
 * @throws BadParameter for a field that is not known or has no such value
 */
export function readActBody<A extends ActName>(act: A, given: unknown): ActBody<A> {
  const read = acts[act].body.safeParse(given)
  if (read.success) return read.data as ActBody<A>
  const [issue] = read.error.issues
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  if (unknown !== undefined)
    // A long one may be a key that was pasted in the wrong place.
    throw new BadParameter(unknown.length > 20 ? 'body' : unknown, 'is not known here')
  throw new BadParameter(String(issue?.path[0] ?? 'body'), issue?.message ?? 'wrong')
}

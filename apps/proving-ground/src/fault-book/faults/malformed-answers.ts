import type { Malformed } from '@spillway/testing'
import { type FaultEntry, transient } from '../fault-entry.ts'

const group = 'Answers that are none'

function malformed(name: string, how: Malformed['how'], more: Partial<FaultEntry> = {}): FaultEntry {
  return { name, group, fault: { type: 'malformed', how }, effect: transient(502), ...more }
}

/** Successes that are none. */
export const malformedAnswers: readonly FaultEntry[] = [
  malformed('an empty 200', 'empty', { twice: true }),
  malformed('a 200 with an HTML page', 'html'),
  malformed('a 200 with broken JSON', 'json'),
  malformed('a 200 with an event stream of no events', 'sse', { complaint: 'BerriAI/litellm#40404' }),
]

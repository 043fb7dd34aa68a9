import type { CallRow } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { failureWords } from '../format/words.ts'
import { Badge } from '../ui/badge.tsx'

/** The result of a call: which target answered instead of which, or why none did. */
export function Outcome({ call }: { readonly call: Pick<CallRow, 'failure' | 'fallback'> }): JSX.Element {
  const { failure, fallback } = call
  if (failure === 'cancelled') return <Badge tone="plain">cancelled</Badge>
  if (failure !== null) return <Badge tone="bad">{failureWords(failure)}</Badge>
  if (fallback !== null) return <Badge tone="warn">fallback: {failureWords(fallback)}</Badge>
  return <Badge tone="good">ok</Badge>
}

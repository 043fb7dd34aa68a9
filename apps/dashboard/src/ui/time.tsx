import type { JSX } from 'preact'
import { clockTime, wholeTime } from '../format/time.ts'

/** A moment in the local zone, whole for the pointer. */
export function Time({ at }: { readonly at: number }): JSX.Element {
  return (
    <time dateTime={new Date(at).toISOString()} title={wholeTime(at)}>
      {clockTime(at, Date.now())}
    </time>
  )
}

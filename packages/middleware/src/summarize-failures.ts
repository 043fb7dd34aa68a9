import type { AttemptReport } from './error.ts'

/**
 * Failures in short, for a header: `claude overloaded 529 (3 times), local circuit_open`. Undefined where none failed. It holds
 * names, kinds and statuses, and no word of anyone's.
 */
export function summarizeFailures(
  reports: readonly Pick<AttemptReport, 'target' | 'failure'>[],
): string | undefined {
  const told: { text: string; times: number }[] = []
  for (const { target, failure } of reports) {
    if (failure === undefined) continue
    const { kind, status } = failure
    const text = [headerWord(target ?? 'spillway'), kind, status]
      .filter((part) => part !== undefined)
      .join(' ')
    const last = told.at(-1)
    if (last?.text === text) last.times++
    else told.push({ text, times: 1 })
  }
  if (told.length === 0) return undefined
  return told.map(({ text, times }) => (times === 1 ? text : `${text} (${times} times)`)).join(', ')
}

/** A name in a form that is safe in a header, between commas and spaces. */
function headerWord(name: string): string {
  return name.slice(0, 64).replace(/[^\x21-\x7e]|[,()]/g, '_')
}

import { styleText } from 'node:util'
import { printable } from '../cli/printable.ts'

/** One thing that `doctor` has looked at. */
export interface Finding {
  /** What: `endpoint claude/1`, `disk`. */
  readonly subject: string
  readonly level: 'ok' | 'warning' | 'error'
  /** What was found. Holds no secret. */
  readonly message: string
  /** What to do about it; undefined where nothing is to be done. */
  readonly mend?: string
  /** For endpoints, in milliseconds. */
  readonly latency?: number
}

export const ok = (subject: string, message: string): Finding => ({ subject, level: 'ok', message })
export const warning = (subject: string, message: string, mend: string): Finding => ({
  ...{ subject, level: 'warning', message, mend },
})
export const problem = (subject: string, message: string, mend: string): Finding => ({
  ...{ subject, level: 'error', message, mend },
})

const marks = { ok: 'ok', warning: 'warning', error: 'ERROR' } as const
const colours = { ok: 'green', warning: 'yellow', error: 'red' } as const

/** The lines of a finding, for a person. */
export function findingLines({ subject, level, message, mend }: Finding): string {
  const mark = styleText(colours[level], marks[level].padEnd(8), { stream: process.stdout })
  const line = `${mark} ${printable(subject).padEnd(22)} ${printable(message)}`
  return mend === undefined || level === 'ok' ? line : `${line}\n${' '.repeat(9)}-> ${printable(mend)}`
}

import type { Verdict } from './observation.ts'
import { changedBytes } from './report.ts'
import type { Row } from './row.ts'
import { shapeName } from './shape.ts'

/** How many rows hold, fail, and are not judged. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  /** Those of the failed in which only the bytes are not the upstream's. */
  readonly onlyBytes: number
  readonly notJudged: number
}

export function countVerdicts(verdicts: readonly Verdict[]): Counts {
  const judged = verdicts.filter(({ isJudged }) => isJudged)
  const passed = judged.filter(({ problems }) => problems.length === 0).length
  const onlyBytes = judged.filter(
    ({ problems }) => problems.length === 1 && problems[0] === changedBytes,
  ).length
  return { passed, failed: judged.length - passed, onlyBytes, notJudged: verdicts.length - judged.length }
}

/** A Markdown table of single rows. */
export function tableOf(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map((verdict) => [
    verdict.row.id,
    expectation(verdict.row),
    verdict.seen,
    verdict.isJudged
      ? verdict.problems.length === 0
        ? 'holds'
        : `FAILS: ${verdict.problems.join('; ')}`
      : '—',
  ])
  return markdownTable(['row', 'expected', 'seen', 'verdict'], lines)
}

export function markdownTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n')
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** What a row demands, in words. */
export function expectation({ expected, leaveAt }: Row): string {
  const { caller, by, status, attempts, bytes } = expected
  const [first, second] = attempts
  const made = second > 0 || by === 'second' ? `${first}+${second} attempts` : attemptsWord(first)
  const exact = bytes ? ', byte for byte' : ''
  switch (caller) {
    case 'answer':
      return `answer of the ${by} target${exact}, ${made}`
    case 'restarted':
      return `a marked new answer of the second target, ${made}`
    case 'error':
      return `${status}${exact}, ${made}`
    case 'broken':
      return `an error event behind what came, ${made}`
    case 'event':
      return `keep-alives, then an error event, ${made}`
    case 'nothing':
      return `upstream closed at once${leaveAt === 'back-off' ? ', no further attempt' : ''}, ${made}`
  }
}

function attemptsWord(count: number): string {
  return `${count} ${count === 1 ? 'attempt' : 'attempts'}`
}

/** Rows of one fault and scenario, in all their shapes. */
export interface VerdictGroup {
  readonly title: string
  readonly first: Row
  readonly verdicts: readonly Verdict[]
}

export function groupVerdicts(verdicts: readonly Verdict[]): VerdictGroup[] {
  const groups = new Map<string, Verdict[]>()
  for (const verdict of verdicts) {
    const { group, fault, scenario } = verdict.row
    const key = `${group}\n${fault}\n${scenario}`
    groups.set(key, [...(groups.get(key) ?? []), verdict])
  }
  return [...groups.values()].map((list) => {
    const first = (list[0] as Verdict).row
    return { title: first.fault, first, verdicts: list }
  })
}

/** A cell for all shapes of a fault and scenario: how many hold, and why the others do not. */
export function cellOf(verdicts: readonly Verdict[]): string {
  const judged = verdicts.filter(({ isJudged }) => isJudged)
  if (judged.length === 0) return '—'
  const failed = judged.filter(({ problems }) => problems.length > 0)
  const share = `${judged.length - failed.length}/${judged.length}`
  if (failed.length === 0) return `✓ ${share}`
  const reasons = new Map<string, string[]>()
  for (const { row, problems } of failed) {
    const reason = (problems[0] as string).replace(/\d+ ms/, '… ms')
    reasons.set(reason, [...(reasons.get(reason) ?? []), shapeName(row.shape)])
  }
  const all = [...reasons].map(([reason, names]) => {
    return names.length === judged.length ? reason : `${names.join(', ')}: ${reason}`
  })
  return `✗ ${share} ${all.join('; ')}`
}

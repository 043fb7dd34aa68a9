import type { AuditMark, AuditProblem, AuditReport, AuditRow } from '@spillway/ledger'
import { printable } from './printable.ts'

/** What each finding means, and what to think of it. */
const meanings: Readonly<Record<AuditProblem['kind'], string>> = {
  altered: 'its content is not what its hash covers, or its columns are not what its entry says',
  missing: 'rows before it, or at the end, are gone',
  reordered: 'it changed places',
  unsigned: 'rows up to here were removed, and no entry of the log says so',
  removed: 'the row of --head is gone, and the log has no signature that says why',
  replaced: 'the row of --head is another one now',
  downgraded: 'it is of an older version than rows before it, whose hashes cover less',
  unkeyed: 'it has no MAC of a key that was given, and must have one',
  forged: 'its MAC is not one of the key that it names',
  rekeyed: 'it is signed with a key that was replaced before, or that was not given',
  cut: 'the end of the log is not the one that was signed: rows behind it may be gone',
}

export interface ReportOptions {
  readonly head?: AuditMark | undefined
  readonly acceptPruned?: boolean | undefined
  /** The first row of the log. */
  readonly first?: AuditRow | undefined
}

/** A report for people: each problem, what was removed and who says so, what was not checked, and the last row. */
export function reportLines(
  report: AuditReport,
  { head, acceptPruned = false, first }: ReportOptions,
): { readonly lines: readonly string[]; readonly isWhole: boolean } {
  const { rows, removal, authentic, unknownKeys } = report
  const isAccepted = ({ kind }: AuditProblem): boolean =>
    kind === 'removed' && acceptPruned && removal !== undefined
  const problems = report.problems.filter((problem) => !isAccepted(problem))
  const lines = problems.map(({ seq, kind }) => `row ${seq}: ${kind}: ${meanings[kind]}`)
  const isKeyed = authentic > 0 || unknownKeys.length > 0
  if (removal !== undefined) {
    const { through, at, actor, before, reason = 'retention', isAuthentic } = removal
    const what = `rows up to ${through.seq} were removed on ${day(at)} by ${printable(actor)} (${printable(reason)}${
      before === undefined ? '' : `, entries before ${day(before)}`
    })`
    const said = isAuthentic
      ? 'signed with the audit key'
      : 'the log says so, but without an audit key anyone who can write to the database can say so too'
    lines.push(`${what}: ${said}`)
    const isGone = head !== undefined && head.seq <= through.seq
    if (isGone && report.problems.some(({ kind }) => kind === 'removed'))
      lines.push(
        acceptPruned
          ? `row ${head.seq} of --head is gone with them, which --accept-pruned takes`
          : `row ${head.seq} of --head is gone with them: if that is as it should be, pass --accept-pruned once, and note the row below more often`,
      )
  }
  if (isKeyed && first !== undefined) lines.push(`the first row is ${first.seq}, of ${day(first.at)}`)
  if (authentic > 0) lines.push(`${authentic} of ${rows} rows have a MAC of a key that was given`)
  if (unknownKeys.length > 0)
    lines.push(
      `MACs of ${unknownKeys.map(printable).join(', ')} were not checked: that needs the key, --key env:NAME`,
    )
  const { length } = problems
  lines.push(`${rows} rows, ${length === 0 ? 'whole' : `${length} ${length === 1 ? 'problem' : 'problems'}`}`)
  lines.push(`head ${report.head.seq}:${printable(report.head.hash)}`)
  return { lines, isWhole: length === 0 }
}

function day(time: number): string {
  return Number.isFinite(time) && Math.abs(time) < 8.64e15
    ? new Date(time).toISOString().slice(0, 10)
    : String(time)
}

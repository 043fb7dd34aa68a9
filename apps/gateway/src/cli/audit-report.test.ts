import type { AuditReport } from '@spillway/ledger'
import { describe, expect, it } from 'vitest'
import { reportLines } from './audit-report.ts'

const at = Date.UTC(2026, 10, 26)
const hash = 'a'.repeat(64)
const whole: AuditReport = {
  rows: 9,
  head: { seq: 50, hash },
  problems: [],
  authentic: 0,
  unknownKeys: [],
  removal: undefined,
}
const removal = {
  ...{ from: { seq: 0, hash }, through: { seq: 41, hash }, before: at - 86_400_000, reason: 'retention' },
  ...{ at, actor: 'retention', isAuthentic: false },
}

describe('a report', () => {
  it('of a whole log is its rows and its head', () => {
    expect(reportLines(whole, {})).toEqual({ lines: ['9 rows, whole', `head 50:${hash}`], isWhole: true })
  })

  it('says what was removed and on whose word', () => {
    expect(reportLines({ ...whole, removal }, {}).lines[0]).toBe(
      'rows up to 41 were removed on 2026-11-26 by retention (retention, entries before 2026-11-25): ' +
        'the log says so, but without an audit key anyone who can write to the database can say so too',
    )
    const signed = { ...whole, authentic: 9, removal: { ...removal, isAuthentic: true } }
    expect(reportLines(signed, {}).lines.join('\n')).toContain(
      '): signed with the audit key\n9 of 9 rows have a MAC',
    )
  })

  it('of a noted row that was removed fails, unless its reader takes that', () => {
    const report = { ...whole, removal, problems: [{ seq: 40, kind: 'removed' as const }] }
    const head = { seq: 40, hash }
    const { lines, isWhole } = reportLines(report, { head })
    expect([isWhole, lines[0], lines.at(-2)]).toEqual([
      false,
      expect.stringMatching(/^row 40: removed: /),
      '9 rows, 1 problem',
    ])
    expect(lines[2]).toContain('pass --accept-pruned once')
    expect(reportLines(report, { head, acceptPruned: true })).toMatchObject({ isWhole: true })
    // Nothing says why: there is nothing to accept.
    expect(reportLines({ ...report, removal: undefined }, { head, acceptPruned: true }).isWhole).toBe(false)
    const others = { ...report, problems: [...report.problems, { seq: 41, kind: 'unsigned' as const }] }
    expect(reportLines(others, { head, acceptPruned: true }).isWhole).toBe(false)
  })

  it('does not act on the terminal, whatever is in the database', () => {
    const evil = { ...removal, actor: 'x\u001b[2J', reason: '\r9 rows, whole', at: Number.NaN }
    const text = reportLines({ ...whole, removal: evil, unknownKeys: ['\u001b]0;'] }, {}).lines.join('')
    expect(text).not.toMatch(/\p{Cc}/u)
  })
})

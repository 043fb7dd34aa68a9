export { timeouts, wrapFetch } from '@spillway/attempt'
export type { AuditEntry, AuditRow } from './audit-chain.ts'
export type { AuditLog, AuditMark } from './audit-log.ts'
export {
  type CallBooking,
  createLedger,
  type Ledger,
  type LedgerOptions,
  type LedgerState,
  ledgerDefaults,
} from './ledger.ts'
export type { AttemptRole, AttemptRow, CallRow, Entry } from './rows.ts'
export { type Grouping, type LedgerStore, openLedgerStore, type TimeRange, type Totals } from './store.ts'
export { type AuditProblem, type AuditReport, exportAudit, verifyAudit } from './verify-audit.ts'

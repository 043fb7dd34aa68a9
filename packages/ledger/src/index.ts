export { sdkMiddleware, timeouts, wrapFetch } from '@spillway/attempt'
export type { AuditEntry, AuditMark, AuditRow } from './audit-chain.ts'
export type { AuditKey } from './audit-keys.ts'
export type { AuditLog } from './audit-log.ts'
export type { AuditMarks } from './audit-marks.ts'
export type { Pruning } from './audit-pruning.ts'
export {
  type AuditTrail,
  type AuditTrailOptions,
  auditTrailDefaults,
  createAuditTrail,
} from './audit-trail.ts'
export type { WriterState } from './batch-writer.ts'
export { exportAudit } from './export-audit.ts'
export type { Percentiles } from './latency-histogram.ts'
export {
  type CallBooking,
  createLedger,
  type Ledger,
  type LedgerOptions,
  type LedgerState,
  ledgerDefaults,
} from './ledger.ts'
export { makeFolders } from './make-folders.ts'
export type { OwnerRow } from './owners.ts'
export { type PostgresOptions, postgresDefaults } from './postgres-options.ts'
export type { CallLimits, SumLimits } from './prune.ts'
export { type RejectedEntry, readRejected } from './rejected-entries.ts'
export { answerStore, type RemoteStoreOptions, remoteStore, type StoreQuestion } from './remote-store.ts'
export {
  type Pruned,
  type Retention,
  type RetentionOptions,
  retentionDefaults,
  startRetention,
} from './retention.ts'
export type { AttemptRole, AttemptRow, CallRow, ChangeKind, ChangeRow, ComparisonRow, Entry } from './rows.ts'
export { type LedgerStore, type LedgerStoreOptions, ledgerStoreDefaults, openLedgerStore } from './store.ts'
export {
  type AuditProblem,
  type AuditRemoval,
  type AuditReport,
  type VerifyOptions,
  verifyAudit,
} from './verify-audit.ts'
export type {
  AttemptView,
  CallFilter,
  CallPage,
  CallStory,
  CallView,
  ComparedSide,
  ComparedTargets,
  ComparisonView,
  Facet,
  Facets,
  FallbackRow,
  Grouping,
  LargestTotals,
  LatencyRow,
  MatchingCalls,
  OtherTotals,
  OutcomeFilter,
  SeriesPoint,
  SessionOrder,
  SessionRow,
  SplitSeries,
  Summary,
  TenantUse,
  TimeRange,
  TokenCounts,
  Totals,
} from './views.ts'

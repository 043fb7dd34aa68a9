export { type Act, type ActBody, type ActName, acts, readActBody } from './acts.ts'
export { type AskedRange, rangeOf } from './asked-range.ts'
export { BadParameter } from './bad-parameter.ts'
export type { Attempt, CallContent, CallRow, CallStory, Calls } from './calls.ts'
export type {
  ChangedClient,
  Clients,
  ClientView,
  ClientWithKey,
  Login,
  NewClient,
  Rotation,
} from './clients.ts'
export { openApi } from './openapi.ts'
export { type Query, type QueryName, readQuery } from './parameters.ts'
export { alertKinds, none, type RangeName, ranges } from './plain-values.ts'
export { type Question, type QuestionPath, questions } from './questions.ts'
export type {
  Alerts,
  Audit,
  Budgets,
  Changes,
  CircuitView,
  EndpointView,
  Keys,
  LimitGroupView,
  LiveCircuit,
  MirrorSide,
  Mirrors,
  Targets,
} from './state.ts'
export type {
  FacetName,
  Facets,
  Fallbacks,
  Matches,
  Percentiles,
  Series,
  SeriesPoint,
  Sessions,
  Summary,
  TimeRange,
  TokenCounts,
  Usage,
  UsageRow,
} from './sums.ts'

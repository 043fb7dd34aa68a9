/**
 * What it costs to keep a call within budgets, in CPU a call, and what the budgets of 10,000 clients take of memory.
 * `pnpm bench budgets [--check]`
 */
import { type BudgetRule, createBudgets, isBudgetRefusal } from '@spillway/budgets'
import { checkOption } from './check-option.ts'
import { measure, type Result, type Variant } from './measure.ts'

const check = checkOption(
  'budgets',
  'Measures the CPU time of a reservation and its settlement by three rules, and the memory that the budgets of 10,000 clients take.',
)

/** A reservation and its settlement by three rules take less, in microseconds. */
const bound = 5
/** The budgets of a client with three rules take less, in bytes, once it has called. */
const bytesBound = 1_500

const clients = 10_000
const all: BudgetRule = {
  ...{ id: 'all', scope: { type: 'all' }, unit: 'usd', period: 'month' },
  ...{ amount: Number.MAX_SAFE_INTEGER, hard: true },
}
const rulesOf = (name: string): readonly BudgetRule[] => [
  { ...all, id: 'a day', scope: { type: 'client', name }, period: 'day' },
  { ...all, id: 'tokens', scope: { type: 'client', name }, unit: 'tokens' },
  all,
]
const estimate = {
  most: { requests: 1, tokens: 10_000, usd: 200_000_000 },
  expected: { requests: 1, tokens: 2_000, usd: 8_000_000 },
}
const actual = { requests: 1, tokens: 3_000, usd: 20_000_000 }

globalThis.gc?.()
const before = process.memoryUsage().heapUsed
const budgets = createBudgets()
const rules = Array.from({ length: clients }, (_, index) => rulesOf(`client-${index}`))
const one = async (index: number): Promise<void> => {
  const decision = await budgets.reserve(rules[index % clients] as readonly BudgetRule[], estimate)
  if (isBudgetRefusal(decision)) throw new Error('there is plenty for everyone')
  await decision.settle(actual)
}
for (let index = 0; index < clients; index++) await one(index)
globalThis.gc?.()
const bytes = (process.memoryUsage().heapUsed - before) / clients

let calls = 0
const variants: readonly Variant[] = [
  { name: 'nothing', call: async () => {} },
  { name: 'three rules, 10,000 clients in turn', call: () => one(calls++) },
  { name: 'three rules, one client', call: () => one(0) },
]
console.log(`Node ${process.version}; CPU microseconds a call, medians of 15 rounds, 16 calls at a time\n`)
const results = await measure(variants, { rounds: 15, calls: 5_000, concurrency: 16 })
const [nothing] = results as [Result]
for (const { name, median } of results)
  console.log(`  ${name.padEnd(38)} ${(median - nothing.median).toFixed(2).padStart(8)}`)
console.log(`  ${'bytes a client with three rules'.padEnd(38)} ${bytes.toFixed(0).padStart(8)}`)
const slowest = Math.max(...results.map(({ median }) => median - nothing.median))
const isSmall = globalThis.gc === undefined || bytes < bytesBound
const holds = slowest < bound && isSmall
console.log(
  `\n  ${holds ? 'holds ' : 'MISSED'}  less than ${bound} µs a call, and ${bytesBound} bytes a client with --expose-gc`,
)
if (check && !holds) process.exitCode = 1

import { queryLedger } from '../booked-rows.ts'
import { add, type Figures, tokenTypes } from './figures.ts'

/** The rows of a ledger, read as they are and summed up. */
export async function ledgerFigures(url: string): Promise<Figures> {
  const figures: Figures = new Map()
  const [counted] = await queryLedger(url, 'select count(*) as n from calls')
  add(figures, 'calls', counted?.n ?? 0)
  for (const row of await queryLedger(url, 'select * from attempts')) {
    const { role, target, model_asked: model, tenant, failure, estimated, cost_nano: cost } = row
    add(figures, 'attempts', 1)
    add(figures, `attempts by role: ${role}`, 1)
    add(figures, `attempts by target: ${target}`, 1)
    add(figures, `attempts by model: ${model}`, 1)
    add(figures, `attempts by tenant: ${tenant}`, 1)
    const end = failure === null ? 'well' : failure === 'cancelled' ? 'cancelled' : 'failed'
    add(figures, `attempts that ended: ${end}`, 1)
    const kind = Number(estimated) === 1 ? 'estimated' : 'exact'
    if (kind === 'estimated') add(figures, 'attempts estimated', 1)
    for (const type of tokenTypes) {
      add(figures, `${kind} tokens: ${type}`, row[`${type}_tokens`] ?? 0)
      add(figures, `all tokens: ${type}`, row[`${type}_tokens`] ?? 0)
    }
    add(figures, `${kind} cost`, cost ?? 0)
    add(figures, 'all cost', cost ?? 0)
    add(figures, `all cost by model: ${model}`, cost ?? 0)
    add(figures, `all cost by tenant: ${tenant}`, cost ?? 0)
    add(figures, `all cost by target: ${target}`, cost ?? 0)
    add(figures, `all cost by role: ${role}`, cost ?? 0)
    if (kind === 'exact') {
      add(figures, `exact cost by model: ${model}`, cost ?? 0)
      add(figures, `exact cost by tenant: ${tenant}`, cost ?? 0)
      add(figures, `exact cost by target: ${target}`, cost ?? 0)
      add(figures, `exact cost by role: ${role}`, cost ?? 0)
    }
  }
  return figures
}

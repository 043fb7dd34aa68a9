import { DatabaseSync } from 'node:sqlite'
import { add, type Figures, tokenTypes } from './figures.ts'

/** The rows of a ledger's file, read as they are and summed up. */
export function ledgerFigures(file: string): Figures {
  const figures: Figures = new Map()
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = (sql: string): Record<string, string | number | null>[] => database.prepare(sql).all() as never
  try {
    add(figures, 'calls', rows('select count(*) as n from calls')[0]?.n ?? 0)
    for (const row of rows('select * from attempts')) {
      const { role, target, model_asked: model, tenant, failure, estimated, cost_nano: cost } = row
      add(figures, 'attempts', 1)
      add(figures, `attempts by role: ${role}`, 1)
      add(figures, `attempts by target: ${target}`, 1)
      add(figures, `attempts by model: ${model}`, 1)
      add(figures, `attempts by tenant: ${tenant}`, 1)
      const end = failure === null ? 'well' : failure === 'cancelled' ? 'cancelled' : 'failed'
      add(figures, `attempts that ended: ${end}`, 1)
      const kind = estimated === 1 ? 'estimated' : 'exact'
      if (estimated === 1) add(figures, 'attempts estimated', 1)
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
  } finally {
    database.close()
  }
}

/** How many attempts have been booked. */
export function bookedAttempts(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return Number((database.prepare('select count(*) as n from attempts').get() as { n: number }).n)
  } finally {
    database.close()
  }
}

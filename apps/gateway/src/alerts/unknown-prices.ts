import type { AttemptRow } from '@spillway/ledger'
import { RecentMap } from '@spillway/middleware/kit'
import type { Incident } from './incident.ts'
import { named } from './incidents.ts'

/** Models without a price that are remembered. */
const mostModels = 200

/** How long after the last such attempt it is still an incident, in milliseconds. */
export const unpricedFor: number = 15 * 60_000

/** Watches for attempts of unknown cost: budgets and reports leave them out. */
export interface UnknownPrices {
  note(
    attempt: Pick<
      AttemptRow,
      'target' | 'cost_nano' | 'model_answered' | 'model_asked' | 'input_tokens' | 'output_tokens'
    >,
    now: number,
  ): void
  incidents(now: number): Incident[]
}

export function watchPrices(): UnknownPrices {
  const seen = new RecentMap<{ readonly target: string; readonly model: string; readonly at: number }>(
    mostModels,
  )
  const keys = new Set<string>()
  return {
    note({ target, cost_nano, model_answered, model_asked, input_tokens, output_tokens }, now) {
      if (target === null || input_tokens + output_tokens === 0) return
      if (cost_nano !== null && keys.size === 0) return
      const model = model_answered ?? model_asked
      const key = `${target}\n${model}`
      if (cost_nano === null) {
        seen.set(key, { target, model, at: now })
        keys.add(key)
      } else seen.delete(key)
    },
    incidents(now) {
      const models = new Map<string, string[]>()
      for (const key of keys) {
        const found = seen.get(key)
        if (found === undefined || now - found.at > unpricedFor) {
          seen.delete(key)
          keys.delete(key)
        } else models.set(found.target, [...(models.get(found.target) ?? []), found.model])
      }
      return [...models].map(([subject, names]): Incident => {
        const message = `no price is known for ${named(names)}: costs and budgets leave it out; set targets.${subject}.prices`
        return { kind: 'price_unknown', severity: 'warning', subject, message, since: null }
      })
    },
  }
}

import { isObject } from '@spillway/wire/internal'
import type { ModelInfo } from './model-info.ts'

/** That a vendor takes a model away. */
export interface Retirement {
  readonly model: string
  /** Milliseconds since the Unix epoch; undefined where no date is set. */
  readonly at: number | undefined
  /** Whether calls fail already. */
  readonly isOver: boolean
}

/**
 * What a vendor's list says of the end of a model; undefined where it says nothing of one. Anthropic: `lifecycle` is what counts, and
 * `retires_at` may have passed while the model still answers. OpenRouter: `expiration_date`, a day.
 */
export function retirementOf({ id, raw }: ModelInfo): Retirement | undefined {
  const fields = raw?.fields
  if (!isObject(fields)) return undefined
  const { lifecycle, retires_at, expiration_date } = fields
  if (lifecycle === 'deprecated' || lifecycle === 'retired')
    return { model: id, at: timeOf(retires_at), isOver: lifecycle === 'retired' }
  const at = timeOf(expiration_date)
  return at === undefined ? undefined : { model: id, at, isOver: false }
}

function timeOf(value: unknown): number | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}

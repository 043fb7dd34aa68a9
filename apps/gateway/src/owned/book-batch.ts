import type { AttemptRow, Entry } from '@spillway/ledger'
import type { Api } from '@spillway/middleware'
import type { ModelUsage } from './batch-usage.ts'
import type { Owner } from './owners.ts'

/** A batch whose results have been read to their end. */
export interface ReadBatch {
  readonly id: string
  readonly api: Api
  readonly provider: string
  readonly owner: Owner
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly models: readonly ModelUsage[]
}

/**
 * The rows of a batch: one call, and an attempt for each of its models. Their ids follow from the batch's, and the books take an
 * id once: whoever reads the results again, and after a restart too, books nothing.
 */
export function batchRows({ id, api, provider, owner, at, models }: ReadBatch): readonly Entry[] {
  const [first] = models
  if (first === undefined) return []
  const { target } = owner
  const tenant = owner.tenant ?? null
  const call = `batch-${id}`
  const attempts = models.map(
    (model, index): AttemptRow => ({
      id: `${call}-${model.model}`,
      call_id: call,
      call_row: call,
      attempt: index + 1,
      role: 'primary',
      started_at: at,
      tenant,
      target,
      endpoint: owner.endpoint,
      provider,
      model_asked: model.model,
      model_answered: model.model,
      input_tokens: model.input,
      output_tokens: model.output,
      cache_read_tokens: model.cacheRead,
      cache_write_tokens: model.cacheWrite,
      reasoning_tokens: model.reasoning,
      estimated: 0,
      cost_nano: model.cost ?? null,
      failure: null,
      status: null,
      stop_reason: null,
      ttft_ms: null,
      total_ms: 0,
    }),
  )
  return [
    {
      table: 'calls',
      row: {
        id: call,
        call_id: call,
        started_at: at,
        tenant,
        api,
        operation: 'batch',
        model_asked: first.model,
        model_answered: first.model,
        target,
        attempts: attempts.length,
        failure: null,
        status: 200,
        stop_reason: null,
        ttft_ms: null,
        total_ms: 0,
      },
    },
    ...attempts.map((row): Entry => ({ table: 'attempts', row })),
  ]
}

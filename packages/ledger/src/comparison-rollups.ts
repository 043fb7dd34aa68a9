import { bucketOf } from './latency-histogram.ts'
import type { RollupTable } from './rollups.ts'
import type { ComparisonRow } from './rows.ts'

/** Adds to the sums of a table. */
export type Add = (
  table: RollupTable,
  startedAt: number,
  keys: Readonly<Record<string, string | number>>,
  sums: Readonly<Record<string, number>>,
) => void

/** Similarities are summed up in millionths, since sums are whole. */
export const similarityUnit = 1_000_000

/** What a comparison adds to the sums: each side by itself, so that both are of the same calls. */
export function addComparison(row: ComparisonRow, add: Add): void {
  const pair = { from_target: row.from_target, to_target: row.to_target }
  const isAlike = row.similarity !== null
  for (const side of ['primary', 'candidate'] as const) {
    const cost = row[`${side}_cost_nano`]
    const hasFailed = row[`${side}_failure`] !== null
    add(
      'comparison_rollups',
      row.started_at,
      { ...pair, side },
      {
        comparisons: 1,
        failures: hasFailed ? 1 : 0,
        output_tokens: row[`${side}_output_tokens`],
        cost_nano: cost ?? 0,
        priced: cost === null ? 0 : 1,
        compared: isAlike ? 1 : 0,
        similarity_ppm: Math.round((row.similarity ?? 0) * similarityUnit),
      },
    )
    const measure = (name: 'first_content' | 'total', milliseconds: number): void =>
      add(
        'comparison_latency_rollups',
        row.started_at,
        { ...pair, side, measure: name, bucket: bucketOf(milliseconds) },
        { calls: 1 },
      )
    const firstContent = row[`${side}_ttft_ms`]
    if (firstContent !== null) measure('first_content', firstContent)
    // How long a failure takes says nothing about answers.
    if (!hasFailed) measure('total', row[`${side}_total_ms`])
  }
}

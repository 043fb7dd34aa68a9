import { type Migration, run } from './migration.ts'

const types = ['input', 'output', 'cache_read', 'cache_write', 'reasoning']

/** Sums of estimated tokens, from the attempts that are kept one by one; what has been removed stays with the exact ones. */
export const sumEstimatedTokens: Migration = async (db) => {
  // The default is for a process of an older version that still writes and does not know of them.
  for (const type of types)
    await run(db, `alter table usage_rollups add column estimated_${type}_tokens bigint default 0 not null`)
  for (const grain of [60_000, 3_600_000, 86_400_000])
    await run(
      db,
      `update usage_rollups set ${types.map((type) => `estimated_${type}_tokens = s.${type}_tokens`).join(', ')}
      from (
        select started_at - started_at % ${grain} as at, model_asked as model, coalesce(tenant, '') as tenant,
          coalesce(target, '') as target, role, ${types.map((type) => `sum(${type}_tokens) as ${type}_tokens`).join(', ')}
        from attempts where estimated = 1 group by 1, 2, 3, 4, 5
      ) as s
      where usage_rollups.grain = ${grain} and usage_rollups.at = s.at and usage_rollups.model = s.model
        and usage_rollups.tenant = s.tenant and usage_rollups.target = s.target and usage_rollups.role = s.role`,
    )
}

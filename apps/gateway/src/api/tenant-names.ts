import type { Config } from '../config/config.ts'

/** What the configuration calls tenants that are known by fingerprints alone. */
export interface TenantNames {
  /** Null where it has no name for one. */
  of(tenant: string | null | undefined): string | null
  /** Tenants whose names contain a text, in any case. */
  like(part: string): readonly string[]
}

/** @param config as it is now: names change with a reload */
export function tenantNames(config: () => Pick<Config, 'tenants'>): TenantNames {
  const names = (): Readonly<Record<string, string>> => config().tenants?.names ?? {}
  return {
    of(tenant) {
      const all = names()
      return tenant != null && Object.hasOwn(all, tenant) ? (all[tenant] ?? null) : null
    },
    like(part) {
      const wanted = part.toLowerCase()
      return Object.entries(names())
        .filter(([, name]) => name.toLowerCase().includes(wanted))
        .map(([tenant]) => tenant)
    },
  }
}

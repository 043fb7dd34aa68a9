import type { JSX } from 'preact'

interface TenantProps {
  /** Undefined, null or empty for callers without a key. */
  readonly id: string | null | undefined
  readonly name?: string | null | undefined
}

/** A tenant by its name, with its fingerprint for the pointer; by its fingerprint where it has no name. */
export function Tenant({ id, name }: TenantProps): JSX.Element {
  if (!id) return <span class="quiet">no key</span>
  return name ? <span title={id}>{name}</span> : <span class="model">{id}</span>
}

import type { RequestHeaders } from '@spillway/middleware/kit'

/** Names of betas in a header, `a,b`; each once. */
export function betasOf(headers: RequestHeaders): readonly string[] {
  const names = (headers['anthropic-beta'] ?? '').split(',').map((name) => name.trim())
  return [...new Set(names.filter((name) => name !== ''))]
}

/** Headers with these betas, and no others. */
export function withBetas(headers: RequestHeaders, betas: readonly string[]): RequestHeaders {
  const { 'anthropic-beta': _, ...others } = headers
  return betas.length === 0 ? others : { ...others, 'anthropic-beta': betas.join(',') }
}

/** The versions of the API by which each cloud names the first of all, which the first-party API knows by another name. */
const firstVersions: ReadonlySet<unknown> = new Set(['bedrock-2023-05-31', 'vertex-2023-10-16'])

/** What the first-party API calls a version that is in the body of a cloud's call. */
export function firstPartyVersion(version: unknown): string | undefined {
  if (firstVersions.has(version)) return '2023-06-01'
  return typeof version === 'string' ? version : undefined
}

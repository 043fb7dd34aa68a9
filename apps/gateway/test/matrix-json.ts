/** A JSON object. */
export type Json = { readonly [key: string]: unknown }

/** What a response says that got lost. */
export function degradedOf(response: Response): string {
  return response.headers.get('x-spillway-degraded') ?? ''
}

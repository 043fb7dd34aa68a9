/**
 * Fields at the top of a request that Spillway decides by: where it goes, how the answer comes, what it costs, what the
 * books say was asked, and whether its client may ask it.
 */
const deciding: ReadonlySet<string> = new Set([
  'model',
  'stream',
  'messages',
  'system',
  'input',
  'instructions',
  'tools',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'speed',
  'service_tier',
  'inference_geo',
  'fallbacks',
  'models',
  'plugins',
  'functions',
  'mcp_servers',
  'container',
  'web_search_options',
  'previous_response_id',
  'conversation',
  'prompt',
])

export function isDeciding(name: string): boolean {
  return deciding.has(name)
}

/**
 * The deciding name that some parsers take this other name for; undefined for most. Those of Go and .NET ignore case, and
 * take `ſ` and the Kelvin sign for letters; some drop NUL, control characters or halves of surrogate pairs.
 */
export function mistakenFor(name: string): string | undefined {
  if (deciding.has(name) || /^[a-z0-9_]*$/.test(name)) return undefined
  const plain = name
    .replaceAll('\u017f', 's')
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '')
  return deciding.has(plain) ? plain : undefined
}

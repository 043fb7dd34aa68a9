/** How vendors and resellers end the names of snapshots: `-20251001`, `@20250929`, `-2024-08-06`, `-v1`, `-latest`. */
const snapshot = /(?:-v\d+)?(?:[-@]\d{8}|-\d{4}-\d{2}-\d{2}|@default|-latest)?(?:-v\d+)?$/

/**
 * The name under which a model's price is looked up, whoever sells it: `claude-haiku-4-5` for
 * `anthropic/claude-4.5-haiku-20251001` (OpenRouter's answers), `us.anthropic.claude-haiku-4-5-20251001-v1:0` (Bedrock),
 * `claude-haiku-4-5@20251001` (Vertex AI) and `claude-haiku-4.5:nitro`. It has no reseller's prefix, no variant, no snapshot,
 * dashes between the digits of its version, and the version after the family.
 */
export function priceName(model: string): string {
  return (
    model
      .toLowerCase()
      .replace(/^.*\//, '')
      .replace(/[:[].*$/, '')
      .replace(/^(?:[a-z-]+\.)?anthropic\./, '')
      .replace(snapshot, '')
      .replaceAll('.', '-')
      // Before Claude 4 the version came first, and OpenRouter still answers so.
      .replace(/^claude-(\d+(?:-\d+)?)-([a-z]+)$/, 'claude-$2-$1')
      .replace(/^(claude-[a-z]+-\d+)-0$/, '$1')
  )
}

/** A name of Bedrock's: its beginning is the place where it is answered, and none is the region of the endpoint. */
const bedrock = /^(?:.*\/)?(?:([a-z-]+)\.)?anthropic\.claude/

/** Whether a name of a model is that of Bedrock for one region or one part of the world, which costs more than `global.`. */
export function isRegional(model: string): boolean {
  if (!mayBeBedrocks(model)) return false
  const found = bedrock.exec(model.toLowerCase())
  return found !== null && found[1] !== 'global'
}

/** Whether it is the name of Bedrock for wherever there is capacity. */
export function isGlobal(model: string): boolean {
  return mayBeBedrocks(model) && bedrock.exec(model.toLowerCase())?.[1] === 'global'
}

/** For speed: most names have no dot. */
const mayBeBedrocks = (model: string): boolean => model.includes('.')

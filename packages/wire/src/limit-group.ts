/** The longest part of a model's name that tells its group: callers choose names, and groups are kept. */
const longestName = 100

/** `claude-opus-4-8`, `anthropic/claude-opus-4.8`, `us.anthropic.claude-opus-4-6-v1`, `claude-sonnet-4-5@20250929` */
const claudeName = /claude-(?<family>[a-z]+)-(?<major>\d{1,2})(?:[-.](?<minor>\d{1,2})(?!\d))?(?:[-@:].*)?$/

/** Families whose models of one major version share one limit; all others have one for each model. */
const pooled = new Set(['opus-4', 'sonnet-4', 'fable-5', 'mythos-5'])

/**
 * Which of a vendor's limits a model counts against. Anthropic limits some families together (all of Opus 4.x, all of
 * Sonnet 4.x, all of Fable 5.x) and the other Claude models one by one; fast mode has separate limits. OpenAI, Groq,
 * Bedrock, Vertex and most others limit each model by itself. An unknown name is a separate group.
 * @param speed the request's `speed`
 */
export function limitGroup(model: string, speed?: unknown): string {
  const isFast = speed === 'fast'
  if (model.length > longestName) return groupOf(model, isFast)
  if (last?.model === model && last.isFast === isFast) return last.group
  const group = groupOf(model, isFast)
  last = { model, isFast, group }
  return group
}

/** Most calls are of the model of the one before. */
let last: { readonly model: string; readonly isFast: boolean; readonly group: string } | undefined

function groupOf(model: string, isFast: boolean): string {
  const name = model.slice(0, longestName).toLowerCase()
  const found = claudeName.exec(name)?.groups as
    | { family: string; major: string; minor: string | undefined }
    | undefined
  if (found === undefined) return name
  const { family, major, minor } = found
  const isPooled = minor === undefined || pooled.has(`${family}-${major}`)
  const version = isPooled ? major : `${major}-${minor}`
  return `claude-${family}-${version}${isFast ? ' fast' : ''}`
}

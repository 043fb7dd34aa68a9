/** `us.anthropic.claude-sonnet-4-5-20250929-v1:0`: a profile's region, the vendor, and a version of the deployment. */
const bedrockForm = /^(?:[a-z][a-z-]*\.)?anthropic\.(claude-.+?)(?:-v\d+(?::\d+)?)?$/

/** The ARN of a profile or model whose last part is its id. */
const arnForm = /^arn:[^:]+:bedrock:[^:]*:[^:]*:(?:inference-profile|foundation-model)\/(.+)$/

/**
 * A model by the name that Anthropic's own API has for it, whatever the venue's: Bedrock's ids, profiles and their ARNs, Vertex AI's
 * `claude-sonnet-4-5@20250929` and `claude-opus-4-6@default`. Other names (deployments, application profiles) are returned as they are.
 */
export function firstPartyName(model: string): string {
  const id = arnForm.exec(model)?.[1] ?? model
  const name = (bedrockForm.exec(id)?.[1] ?? id).replace(/^(claude-[^@]+)@default$/, '$1')
  return /^claude-[^@]+@[^@]+$/.test(name) ? name.replace('@', '-') : name
}

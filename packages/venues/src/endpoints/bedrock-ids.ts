import { datedName, isFrom } from './dated-names.ts'

/** An inference profile, by its beginning; `none` for the model in the region itself. */
export type BedrockProfile = 'us' | 'eu' | 'apac' | 'jp' | 'au' | 'ca' | 'us-gov' | 'global' | 'none'

/** An id of Bedrock's, a profile, or an ARN: taken as it is. */
const isId = (model: string): boolean => /^arn:|(?:^|\.)anthropic\./.test(model)

/**
 * The ids of a model, most likely first: its inference profile, and the model of the region itself. Where the region has a profile
 * of its part of the world, none beyond that is tried.
 * @param profile the one to use, instead of the region's
 */
export function bedrockIds(model: string, region: string, profile?: BedrockProfile): readonly string[] {
  if (isId(model)) return [model]
  const bare = bareBedrockId(model)
  const usual = profile ?? usualProfile(model, region)
  if (usual === 'none') return profile === 'none' ? [bare] : [bare, `${geographyOf(model, region)}.${bare}`]
  return [`${usual}.${bare}`, bare]
}

/** The id of the model itself, whatever the region; of an id, without its profile. */
export function bareBedrockId(model: string): string {
  if (isId(model)) return model.replace(/^[a-z-]+\.(?=anthropic\.)/, '')
  const { name, date } = datedName(model)
  if (date !== undefined)
    return `anthropic.${name}-${date}-v${date === '20241022' && name.endsWith('sonnet') ? 2 : 1}:0`
  return name === 'claude-opus-4-6' ? `anthropic.${name}-v1` : `anthropic.${name}`
}

/** Claude before 3.5 is sold in regions alone. */
function usualProfile(model: string, region: string): BedrockProfile {
  return isFrom(model, 3, 5) ? geographyOf(model, region) : 'none'
}

const japan: readonly string[] = ['ap-northeast-1', 'ap-northeast-3']
const australia: readonly string[] = ['ap-southeast-2', 'ap-southeast-4']

/** From Claude 4.5 on Asia has no profile, but Japan and Australia have. */
function geographyOf(model: string, region: string): BedrockProfile {
  if (region.startsWith('us-gov-')) return 'us-gov'
  if (region.startsWith('us-')) return 'us'
  if (region.startsWith('eu-')) return 'eu'
  if (!region.startsWith('ap-')) return 'global'
  if (!isFrom(model, 4, 5)) return 'apac'
  if (japan.includes(region)) return 'jp'
  return australia.includes(region) ? 'au' : 'global'
}

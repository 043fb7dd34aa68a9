import type { BedrockProfile } from './bedrock-ids.ts'

/** Options that venues have in common, and what holds where they are not given. */
export interface VenueDefaults {
  readonly url: string | undefined
  readonly models: Readonly<Record<string, string>>
  readonly profile: BedrockProfile | undefined
  readonly betas: readonly string[]
  readonly quotaProject: string | undefined
}

/** The defaults of {@link VenueDefaults}. */
export const venueDefaults: VenueDefaults = {
  url: undefined,
  models: {},
  profile: undefined,
  betas: [],
  quotaProject: undefined,
}

/** The model of `complete` and `stream` where none is named. */
export const usualModel = 'claude-sonnet-5-5'

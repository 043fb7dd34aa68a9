/** The places where Claude is sold, besides Anthropic itself. */
export const venueApis = [
  'bedrock',
  'bedrock-mantle',
  'claude-aws',
  'claude-google',
  'vertex',
  'foundry',
] as const

export type VenueApi = (typeof venueApis)[number]

/** What an endpoint may speak by itself in a target with api `anthropic`. */
export type ClaudeApi = 'anthropic' | VenueApi

/** What says where an endpoint is in a cloud. */
export interface VenueConfig {
  readonly region?: string | undefined
  readonly location?: string | undefined
  readonly project?: string | undefined
  readonly workspace?: string | undefined
  readonly resource?: string | undefined
}

export type VenueKey = keyof VenueConfig

/** A cloud whose usual chain of credentials an endpoint may use. */
export type Cloud = 'aws' | 'google' | 'azure'

/** What the configuration has to know of a venue. */
export interface VenueFacts {
  /** For people. */
  readonly label: string
  readonly cloud: Cloud
  /** Keys that say where it is; each is needed, unless `orUrl`. */
  readonly keys: readonly VenueKey[]
  /** Whether `url` says the same. */
  readonly orUrl: boolean
  /** An example of each key. */
  readonly example: string
  /** Whether it has Anthropic's other endpoints too: models, files, batches. */
  readonly isWhole: boolean
}

export const venueFacts: Readonly<Record<VenueApi, VenueFacts>> = {
  bedrock: {
    ...{ label: 'Amazon Bedrock', cloud: 'aws', keys: ['region'], orUrl: false, isWhole: false },
    example: 'region: us-east-1',
  },
  'bedrock-mantle': {
    ...{ label: 'Bedrock Mantle', cloud: 'aws', keys: ['region'], orUrl: false, isWhole: false },
    example: 'region: us-east-1',
  },
  'claude-aws': {
    ...{ label: 'the Claude Platform on AWS', cloud: 'aws', keys: ['region', 'workspace'] },
    ...{ orUrl: false, isWhole: true, example: 'region: us-east-1, workspace: wrkspc_1' },
  },
  'claude-google': {
    ...{ label: 'Claude on Google Cloud', cloud: 'google', keys: ['project', 'location', 'workspace'] },
    ...{ orUrl: false, isWhole: true, example: 'project: my-project, location: global, workspace: wrkspc_1' },
  },
  vertex: {
    ...{ label: 'Vertex AI', cloud: 'google', keys: ['project', 'region'], orUrl: false, isWhole: false },
    example: 'project: my-project, region: global',
  },
  foundry: {
    ...{ label: 'Microsoft Foundry', cloud: 'azure', keys: ['resource'], orUrl: true, isWhole: false },
    example: 'resource: my-resource',
  },
}

export function isVenue(api: string | undefined): api is VenueApi {
  return (venueApis as readonly (string | undefined)[]).includes(api)
}

/** Whether Claude is sold there without Anthropic's other endpoints: models, files, batches. */
export const hasCallsAlone = (api: string | undefined): boolean => isVenue(api) && !venueFacts[api].isWhole

/** The cloud whose usual chain a credential names: `aws`, `google`, `azure`. */
export function cloudOf(credential: string | undefined): Cloud | undefined {
  return credential === 'aws' || credential === 'google' || credential === 'azure' ? credential : undefined
}

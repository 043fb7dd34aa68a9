/** The models of a simulated Bedrock. */
export interface BedrockModels {
  /**
   * The ids of models and profiles that exist: `anthropic.claude-opus-5`, `us.anthropic.claude-opus-5`, …; with a `region`,
   * profiles of another part of the world do not.
   * @default any
   */
  readonly models?: readonly string[]
  /** Application profiles, by id or ARN, and the model of each. @default none */
  readonly profiles?: Readonly<Record<string, string>>
  /** Models that are reached by a profile alone. @default none */
  readonly profileOnly?: readonly string[]
  /** Models that take `user_profile_id`. @default any */
  readonly userProfileModels?: readonly string[]
  /** Models whose tokens are not counted. @default none */
  readonly uncountedModels?: readonly string[]
  /** The betas that a model takes, by its id without a region. @default what users have reported for each model */
  readonly betas?: (model: string) => readonly string[]
  /** The region that is served, which signatures must name, too. @default any */
  readonly region?: string
}

/** The parts of the world that profiles name, and what regions there begin with. */
const places: Readonly<Record<string, RegExp>> = {
  us: /^us-(?!gov)/,
  'us-gov': /^us-gov-/,
  eu: /^eu-/,
  apac: /^ap-/,
  jp: /^ap-northeast-[13]$/,
  au: /^ap-southeast-[246]$/,
  ca: /^ca-/,
  global: /^/,
}

/** The models whose profiles a Bedrock without `models` lists. */
const listed = ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-4-5-20251001-v1:0']

/** Where a profile of the system belongs, and its model; undefined for what is none. */
function systemProfile(id: string): { readonly place: string; readonly model: string } | undefined {
  const [, place = '', model = ''] = /^([a-z-]+)\.(anthropic\..+)$/.exec(id) ?? []
  return place in places ? { place, model } : undefined
}

/** The last part of an ARN, after the region and account are left out; ids stay as they are. */
function idOf(model: string): string {
  return model.replace(/^arn:aws[a-z-]*:bedrock:[^:]*:[^:]*:(?:foundation-model|inference-profile)\//, '')
}

/** The model itself behind an id, an ARN or a profile. */
export function modelBehind(model: string, { profiles = {} }: BedrockModels): string {
  const id = idOf(profiles[model] ?? model)
  return systemProfile(id)?.model ?? id
}

/** Whether an id names a profile, of the system or of an application. */
export function isProfile(model: string, { profiles = {} }: BedrockModels): boolean {
  return model in profiles || systemProfile(idOf(model)) !== undefined
}

/** What is wrong with the model that a path names. */
export function unknownModel(model: string, options: BedrockModels): string | undefined {
  const { models, profiles = {}, profileOnly = [], region } = options
  const isThere = models === undefined || models.includes(idOf(model)) || model in profiles
  const { place } = systemProfile(idOf(model)) ?? {}
  const isNear = place === undefined || region === undefined || places[place]?.test(region)
  if (!isThere || !isNear) return 'The provided model identifier is invalid.'
  if (!isProfile(model, options) && profileOnly.includes(idOf(model))) return onDemandNotSupported(model)
  return undefined
}

/** What is said of a model that is reached by a profile alone. */
export function onDemandNotSupported(model: string): string {
  return `Invocation of model ID ${model} with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.`
}

/** A profile as the control plane tells of it. */
export interface ProfileSummary {
  readonly inferenceProfileId: string
  readonly inferenceProfileArn: string
  readonly type: 'SYSTEM_DEFINED' | 'APPLICATION'
  readonly [field: string]: unknown
}

/** All profiles that there are. */
export function profilesOf(options: BedrockModels): readonly ProfileSummary[] {
  const { models, profiles = {}, region = 'us-east-1' } = options
  const near = Object.keys(places).filter((place) => places[place]?.test(region))
  const ids = models ?? listed.flatMap((model) => near.map((place) => `${place}.anthropic.${model}`))
  const system = ids.filter((id) => systemProfile(id) !== undefined)
  return [
    ...system.map((id) => summary(id, modelBehind(id, options), 'SYSTEM_DEFINED', region)),
    ...Object.entries(profiles).map(([id, model]) => summary(id, model, 'APPLICATION', region)),
  ]
}

function summary(id: string, model: string, type: ProfileSummary['type'], region: string): ProfileSummary {
  const kind = type === 'APPLICATION' ? 'application-inference-profile' : 'inference-profile'
  const isArn = id.startsWith('arn:')
  return {
    inferenceProfileName: model.replace(/^anthropic\./, ''),
    description: `Routes requests to ${model}.`,
    createdAt: '2026-10-01T00:00:00Z',
    updatedAt: '2026-10-01T00:00:00Z',
    inferenceProfileArn: isArn ? id : `arn:aws:bedrock:${region}:123456789012:${kind}/${id}`,
    models: [{ modelArn: `arn:aws:bedrock:${region}::foundation-model/${model}` }],
    inferenceProfileId: isArn ? id.slice(id.lastIndexOf('/') + 1) : id,
    status: 'ACTIVE',
    type,
  }
}

import type { ProviderProfile } from '@spillway/core-client'
import { datedName } from './dated-names.ts'
import { firstPartyHeaders, inFirstPartyError } from './first-party-answer.ts'
import type { NotTaken } from './not-taken.ts'
import { usualModel, venueDefaults } from './venue-defaults.ts'
import { inFirstPartyForm, type VenueForm, venueForm } from './venue-form.ts'

type Models = Readonly<Record<string, string>>

export interface BedrockMantleOptions {
  /** Such as `us-east-1`. */
  readonly region: string
  /** Another address than the region's, with `/anthropic` where that is part of it. @default the region's */
  readonly url?: string | undefined
  /** Ids by the first-party names of models, where the naming rules do not suffice. @default {} */
  readonly models?: Models | undefined
}

export interface ClaudeOnAwsOptions {
  /** Such as `us-east-1`. */
  readonly region: string
  /** The workspace that calls belong to: `wrkspc_…`. */
  readonly workspace: string
  /** Another address than the region's. @default the region's */
  readonly url?: string | undefined
  /** Other names of models, by the first-party ones. @default {} */
  readonly models?: Models | undefined
}

export interface ClaudeOnGoogleOptions {
  readonly project: string
  /** Such as `global`. */
  readonly location: string
  /** The workspace that calls belong to: `wrkspc_…`. */
  readonly workspace: string
  /** Another address than Google's; the path below it stays. @default https://claude.googleapis.com */
  readonly url?: string | undefined
  /** The project whose quota is used, where it is another one: sent as `x-goog-user-project`. @default undefined */
  readonly quotaProject?: string | undefined
  /** Other names of models, by the first-party ones. @default {} */
  readonly models?: Models | undefined
}

export interface FoundryOptions {
  /** The name of the Azure resource. */
  readonly resource: string
  /** Another address than the resource's, with `/anthropic` where that is part of it. @default the resource's */
  readonly url?: string | undefined
  /** Deployments by the first-party names of models. @default {}: deployments are named like their models */
  readonly models?: Models | undefined
}

const serverTools: readonly string[] = [
  ...['web_search_', 'web_fetch_', 'code_execution_', 'tool_search_tool_', 'mcp_toolset', 'advisor_'],
]

/** Claude on Bedrock by the Messages API of Mantle. The credential is a signer for the service `bedrock-mantle`, or an API key. */
export function bedrockMantle({ region, url, models }: BedrockMantleOptions): ProviderProfile {
  const notTaken: NotTaken = {
    fields: ['container', 'mcp_servers', 'inference_geo', 'output_format', 'output_config.format'],
    hints: ['fallbacks', 'service_tier', 'speed'],
    serverTools,
    sources: ['url', 'file'],
  }
  return {
    name: 'bedrock-mantle',
    baseUrl: url ?? `https://bedrock-mantle.${region}.api.aws/anthropic`,
    headers: 'aws',
    model: usualModel,
    form: firstPartyForm({ label: 'Bedrock Mantle', notTaken, idOf: mantleId, models }),
  }
}

/** Mantle has no profiles of regions, and no dates. */
function mantleId(model: string): string {
  return model.startsWith('claude-')
    ? `anthropic.${datedName(model).name}`
    : model.replace(/^[a-z-]+\.(?=anthropic\.)/, '')
}

/** The Claude Platform on AWS. The credential is a signer for the service `aws-external-anthropic`, or an API key. */
export function claudeOnAws({ region, workspace, url, models }: ClaudeOnAwsOptions): ProviderProfile {
  return {
    name: 'claude-aws',
    baseUrl: url ?? `https://aws-external-anthropic.${region}.api.aws`,
    scheme: 'x-api-key',
    headers: 'aws',
    model: usualModel,
    form: firstPartyForm({
      ...{ label: 'the Claude Platform on AWS', notTaken: { hints: ['speed'] }, models },
      headers: { 'anthropic-workspace-id': workspace },
    }),
  }
}

/** Claude that Anthropic runs on Google Cloud. The credential is a source of Google's access tokens. */
export function claudeOnGoogle(options: ClaudeOnGoogleOptions): ProviderProfile {
  const {
    project,
    location,
    workspace,
    quotaProject,
    models,
    url = 'https://claude.googleapis.com',
  } = options
  const place = [project, location, workspace].map(encodeURIComponent)
  return {
    name: 'claude-google',
    baseUrl: `${url.replace(/\/+$/, '')}/v1/projects/${place[0]}/locations/${place[1]}/workspaces/${place[2]}/invoke`,
    headers: 'google',
    model: usualModel,
    form: firstPartyForm({
      ...{ label: 'Claude on Google Cloud', notTaken: {}, models },
      headers: quotaProject === undefined ? {} : { 'x-goog-user-project': quotaProject },
    }),
  }
}

/** Claude in Microsoft Foundry. The credential is a key, or with `scheme: 'bearer'` a source of Entra's access tokens. */
export function foundry({ resource, url, models }: FoundryOptions): ProviderProfile {
  return {
    name: 'foundry',
    baseUrl: url ?? `https://${resource}.services.ai.azure.com/anthropic`,
    scheme: 'x-api-key',
    headers: 'anthropic',
    model: usualModel,
    form: firstPartyForm({
      label: 'Microsoft Foundry',
      notTaken: { fields: ['inference_geo'], hints: ['speed'] },
      models,
    }),
  }
}

interface FirstPartyVenue {
  readonly label: string
  readonly notTaken: NotTaken
  readonly models: Models | undefined
  /** @default the model's own name */
  readonly idOf?: (model: string) => string
  /** What each request has besides. */
  readonly headers?: Record<string, string>
}

function firstPartyForm({
  label,
  notTaken,
  models = venueDefaults.models,
  idOf = (model) => model,
  headers,
}: FirstPartyVenue) {
  const venue: VenueForm = {
    ...{ label, notTaken },
    ids: (model) => [Object.hasOwn(models, model) ? (models[model] as string) : idOf(model)],
    write: (call) => inFirstPartyForm(call, headers),
    read: (asked, response) =>
      response.failure === undefined
        ? { ...response, headers: firstPartyHeaders(response.headers) }
        : inFirstPartyError(asked, response),
  }
  return venueForm(venue)
}

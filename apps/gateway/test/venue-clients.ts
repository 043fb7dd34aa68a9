import { Readable } from 'node:stream'
import { AnthropicAws } from '@anthropic-ai/aws-sdk'
import { AnthropicBedrock, AnthropicBedrockMantle } from '@anthropic-ai/bedrock-sdk'
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk'
import { AnthropicGoogleCloud } from '@anthropic-ai/google-cloud-sdk'
import type Anthropic from '@anthropic-ai/sdk'
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk'
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime'

/** What all of these clients have. */
export type VenueMessages = Pick<Anthropic.Messages, 'create' | 'stream' | 'countTokens'>

/** An official client of a cloud as its users make it, at the gateway instead. */
export interface VenueClient {
  readonly name: string
  /** The model by that cloud's name. */
  readonly model: string
  readonly make: (url: string) => { readonly messages: unknown }
  /** Whether it counts tokens. */
  readonly counts: boolean
}

const keys = { awsAccessKey: 'AKIATEST', awsRegion: 'us-east-1' }
const authClient = { getRequestHeaders: async () => new Headers({ authorization: 'Bearer google' }) }
const options = { maxRetries: 0 }

/** Whose own credentials these are: no upstream of the gateway may see one of them. */
export const secretsOfClients: readonly string[] = ['AKIATEST', 'Bearer google', 'foundry-key']

export const venueClients: readonly VenueClient[] = [
  {
    name: '@anthropic-ai/bedrock-sdk',
    model: 'us.anthropic.claude-opus-4-6-v1',
    make: (baseURL) => new AnthropicBedrock({ baseURL, ...keys, awsSecretKey: 's', ...options }),
    counts: false,
  },
  {
    name: '@anthropic-ai/bedrock-sdk (Mantle)',
    model: 'anthropic.claude-opus-4-6',
    make: (url) =>
      new AnthropicBedrockMantle({
        baseURL: `${url}/anthropic`,
        ...keys,
        awsSecretAccessKey: 's',
        ...options,
      }),
    counts: true,
  },
  {
    name: '@anthropic-ai/vertex-sdk',
    model: 'claude-opus-4-6',
    make: (url) =>
      new AnthropicVertex({
        baseURL: `${url}/v1`,
        region: 'global',
        projectId: 'p',
        authClient: authClient as never,
        ...options,
      }),
    counts: true,
  },
  {
    name: '@anthropic-ai/foundry-sdk',
    model: 'claude-opus-4-6',
    make: (url) => new AnthropicFoundry({ baseURL: `${url}/anthropic/`, apiKey: 'foundry-key', ...options }),
    counts: true,
  },
  {
    name: '@anthropic-ai/aws-sdk',
    model: 'claude-opus-4-6',
    make: (baseURL) =>
      new AnthropicAws({ baseURL, workspaceId: 'wrkspc_1', ...keys, awsSecretAccessKey: 's', ...options }),
    counts: true,
  },
  {
    name: '@anthropic-ai/google-cloud-sdk',
    model: 'claude-opus-4-6',
    make: (baseURL) =>
      new AnthropicGoogleCloud({ baseURL, bearerTokenProvider: async () => 'google', ...options }),
    counts: true,
  },
]

/** AWS's own client speaks HTTP/2 unless it is told otherwise. */
const overHttp1 = {
  async handle(
    { hostname, port, method, path, query, headers: given, body }: AwsRequest,
    { abortSignal: signal }: { abortSignal?: AbortSignal } = {},
  ) {
    const { 'content-length': _, host: __, ...headers } = given
    const asked = new URLSearchParams(query).toString()
    const url = `http://${hostname}:${port}${path}${asked === '' ? '' : `?${asked}`}`
    const init = { method, headers, ...(body && { body }), ...(signal && { signal }) }
    const response = await fetch(url, init as RequestInit)
    return {
      response: {
        statusCode: response.status,
        headers: Object.fromEntries(response.headers),
        body: Readable.fromWeb(response.body as never),
      },
    }
  },
}

interface AwsRequest {
  readonly hostname: string
  readonly port?: number
  readonly method: string
  readonly path: string
  readonly query?: Record<string, string>
  readonly headers: Record<string, string>
  readonly body?: string | Buffer
}

/** AWS's own client of the Bedrock runtime. */
export function awsClient(endpoint: string): BedrockRuntimeClient {
  return new BedrockRuntimeClient({
    ...{ region: 'us-east-1', endpoint, maxAttempts: 1, requestHandler: overHttp1 as never },
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 's' },
  })
}

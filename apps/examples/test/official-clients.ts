import { AnthropicAws } from '@anthropic-ai/aws-sdk'
import { AnthropicBedrock, AnthropicBedrockMantle } from '@anthropic-ai/bedrock-sdk'
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk'
import { AnthropicGoogleCloud } from '@anthropic-ai/google-cloud-sdk'
import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk'
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk'
import {
  type Fault,
  type ServerOptions,
  type SimulatedServer,
  startBedrock,
  startClaude,
  startClaudeAws,
  startClaudeGoogle,
  startFoundry,
  startMantle,
  startVertex,
} from '@spillway/testing'

/** What all of these clients take. */
export type Options = Pick<ClientOptions, 'middleware' | 'maxRetries' | 'timeout' | 'fetch' | 'fetchOptions'>

/** An official client as its users make it, at a venue. */
export interface OfficialClient {
  readonly name: string
  /** Starts the simulated venue, which takes the credentials of this client alone. */
  start(options: ServerOptions): Promise<SimulatedServer>
  /** The venue's name in a company's network. */
  readonly host: string
  /** @param url the venue's, without a slash at the end */
  make(url: string, options: Options): unknown
  /** What the venue calls the model. */
  readonly model: string
  /** Shows that a request was put into the venue's form. */
  readonly path: RegExp
}

export const text = 'Hello from the venue'

/** What goes wrong at a venue. */
export const faults = {
  unavailable: { type: 'status', status: 503 },
  dies: { type: 'cut', at: 'before-content', how: 'reset' },
  stalls: { type: 'slow-first-token', ms: Number.POSITIVE_INFINITY },
} as const satisfies Record<string, Fault>

const keys = { awsAccessKey: 'AKIATEST', awsRegion: 'us-east-1' }
const signed = {
  identities: [{ accessKeyId: keys.awsAccessKey, secretAccessKey: 's' }],
  region: keys.awsRegion,
}
const authClient = { getRequestHeaders: async () => new Headers({ authorization: 'Bearer g' }) }
const invoke = '/v1/projects/p/locations/us/workspaces/wrkspc_1/invoke'
const model = 'claude-opus-5'

export const officialClients: readonly OfficialClient[] = [
  {
    name: '@anthropic-ai/sdk',
    start: (o) => startClaude({ apiKeys: ['k'], ...o }),
    host: 'claude.example',
    make: (url, o) => new Anthropic({ baseURL: url, apiKey: 'k', ...o }),
    model,
    path: /^\/v1\/messages$/,
  },
  {
    name: '@anthropic-ai/bedrock-sdk',
    start: (o) => startBedrock({ ...signed, apiKeys: [], ...o }),
    host: 'bedrock.example',
    make: (url, o) => new AnthropicBedrock({ baseURL: url, ...keys, awsSecretKey: 's', ...o }),
    model: `us.anthropic.${model}`,
    path: /^\/model\/us\.anthropic\.claude-opus-5\/invoke(-with-response-stream)?$/,
  },
  {
    name: '@anthropic-ai/bedrock-sdk (Mantle)',
    start: (o) => startMantle({ ...signed, apiKeys: [], ...o }),
    host: 'mantle.example',
    make: (url, o) =>
      new AnthropicBedrockMantle({ baseURL: `${url}/anthropic`, ...keys, awsSecretAccessKey: 's', ...o }),
    model: `anthropic.${model}`,
    path: /^\/anthropic\/v1\/messages$/,
  },
  {
    name: '@anthropic-ai/vertex-sdk',
    start: (o) => startVertex({ tokens: ['g'], projects: ['p'], locations: ['global'], ...o }),
    host: 'vertex.example',
    make: (url, o) =>
      new AnthropicVertex({
        baseURL: `${url}/v1`,
        region: 'global',
        projectId: 'p',
        authClient: authClient as never,
        ...o,
      }),
    model,
    path: /^\/v1\/projects\/p\/locations\/global\/publishers\/anthropic\/models\/claude-opus-5:(streamR|r)awPredict$/,
  },
  {
    name: '@anthropic-ai/foundry-sdk',
    start: (o) => startFoundry({ apiKeys: ['k'], deployments: { [model]: model }, ...o }),
    host: 'foundry.example',
    make: (url, o) => new AnthropicFoundry({ baseURL: `${url}/anthropic/`, apiKey: 'k', ...o }),
    model,
    path: /^\/anthropic\/v1\/messages$/,
  },
  {
    name: '@anthropic-ai/aws-sdk',
    start: (o) => startClaudeAws({ ...signed, apiKeys: [], workspaces: ['wrkspc_1'], ...o }),
    host: 'aws.example',
    make: (url, o) =>
      new AnthropicAws({ baseURL: url, workspaceId: 'wrkspc_1', ...keys, awsSecretAccessKey: 's', ...o }),
    model,
    path: /^\/v1\/messages$/,
  },
  {
    name: '@anthropic-ai/google-cloud-sdk',
    start: (o) => startClaudeGoogle({ tokens: ['g'], workspaces: ['wrkspc_1'], ...o }),
    host: 'google.example',
    make: (url, o) =>
      new AnthropicGoogleCloud({ baseURL: url + invoke, bearerTokenProvider: async () => 'g', ...o }),
    model,
    path: /^\/v1\/projects\/p\/locations\/us\/workspaces\/wrkspc_1\/invoke\/v1\/messages$/,
  },
]

export const prompt = {
  model,
  max_tokens: 20,
  messages: [{ role: 'user' as const, content: 'Hi' }],
}

/** Asks and returns the text of the answer. */
export async function ask(client: unknown, stream: boolean, model: string = prompt.model): Promise<string> {
  const { messages } = client as Pick<Anthropic, 'messages'>
  const asked = { ...prompt, model }
  const { content } = stream ? await messages.stream(asked).finalMessage() : await messages.create(asked)
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

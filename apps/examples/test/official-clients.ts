import { AnthropicAws } from '@anthropic-ai/aws-sdk'
import { AnthropicBedrock, AnthropicBedrockMantle } from '@anthropic-ai/bedrock-sdk'
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk'
import { AnthropicGoogleCloud } from '@anthropic-ai/google-cloud-sdk'
import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk'
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk'

/** What all of these clients take. */
export type Options = Pick<ClientOptions, 'middleware' | 'maxRetries' | 'timeout' | 'fetch' | 'fetchOptions'>

/** An official client as its users make it, at a venue. */
export interface OfficialClient {
  readonly name: string
  /** @param url the venue's, without a slash at the end */
  make(url: string, options: Options): unknown
  /** Shows that a request was put into the venue's form. */
  readonly path: RegExp
}

const keys = { awsAccessKey: 'AKIATEST', awsRegion: 'us-east-1' }
const authClient = { getRequestHeaders: async () => new Headers({ authorization: 'Bearer g' }) }

export const officialClients: readonly OfficialClient[] = [
  {
    name: '@anthropic-ai/sdk',
    make: (url, o) => new Anthropic({ baseURL: url, apiKey: 'k', ...o }),
    path: /^\/v1\/messages$/,
  },
  {
    name: '@anthropic-ai/bedrock-sdk',
    make: (url, o) => new AnthropicBedrock({ baseURL: url, ...keys, awsSecretKey: 's', ...o }),
    path: /^\/model\/claude-opus-5\/invoke(-with-response-stream)?$/,
  },
  {
    name: '@anthropic-ai/bedrock-sdk (Mantle)',
    make: (url, o) =>
      new AnthropicBedrockMantle({ baseURL: `${url}/anthropic`, ...keys, awsSecretAccessKey: 's', ...o }),
    path: /^\/anthropic\/v1\/messages$/,
  },
  {
    name: '@anthropic-ai/vertex-sdk',
    make: (url, o) =>
      new AnthropicVertex({
        baseURL: `${url}/v1`,
        region: 'global',
        projectId: 'p',
        authClient: authClient as never,
        ...o,
      }),
    path: /^\/v1\/projects\/p\/locations\/global\/publishers\/anthropic\/models\/claude-opus-5:(streamR|r)awPredict$/,
  },
  {
    name: '@anthropic-ai/foundry-sdk',
    make: (url, o) => new AnthropicFoundry({ baseURL: `${url}/anthropic/`, apiKey: 'k', ...o }),
    path: /^\/anthropic\/v1\/messages$/,
  },
  {
    name: '@anthropic-ai/aws-sdk',
    make: (url, o) =>
      new AnthropicAws({ baseURL: url, workspaceId: 'wrkspc_1', ...keys, awsSecretAccessKey: 's', ...o }),
    path: /^\/v1\/messages$/,
  },
  {
    name: '@anthropic-ai/google-cloud-sdk',
    make: (url, o) => new AnthropicGoogleCloud({ baseURL: url, bearerTokenProvider: async () => 'g', ...o }),
    path: /^\/v1\/messages$/,
  },
]

export const prompt = {
  model: 'claude-opus-5',
  max_tokens: 20,
  messages: [{ role: 'user' as const, content: 'Hi' }],
}

/** Asks and returns the text of the answer. */
export async function ask(client: unknown, stream: boolean): Promise<string> {
  const { messages } = client as Pick<Anthropic, 'messages'>
  const { content } = stream ? await messages.stream(prompt).finalMessage() : await messages.create(prompt)
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

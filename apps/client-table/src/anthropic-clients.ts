import AnthropicAws from '@anthropic-ai/aws-sdk'
import AnthropicBedrock from '@anthropic-ai/bedrock-sdk'
import AnthropicFoundry from '@anthropic-ai/foundry-sdk'
import AnthropicGoogleCloud from '@anthropic-ai/google-cloud-sdk'
import Anthropic from '@anthropic-ai/sdk'
import AnthropicVertex from '@anthropic-ai/vertex-sdk'
import { ChatAnthropic } from '@langchain/anthropic'
import { sdkMiddleware } from '@spillway/attempt'
import { type CallOptions, type Client, fetchOf } from './client.ts'

const model = 'claude-opus-5-5'
const params = { model, max_tokens: 50, messages: [{ role: 'user' as const, content: 'Where does it go?' }] }

/** Who has signed in at Google. */
const google = {
  projectId: 'p',
  getRequestHeaders: async () => new Headers({ authorization: 'Bearer token' }),
} as unknown as NonNullable<ConstructorParameters<typeof AnthropicVertex>[0]>['authClient']

/** What all clients of the family have in common. */
type Messages = Pick<Anthropic['messages'], 'create' | 'stream'>

async function read(messages: unknown, { stream, signal }: CallOptions): Promise<string> {
  const { create, stream: begin } = messages as Messages
  if (stream) return begin.call(messages, params, { signal }).finalText()
  const { content } = (await create.call(messages, params, { signal })) as Anthropic.Message
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

const withMiddleware = ({ policies, fetch }: CallOptions) => ({
  ...{ maxRetries: 0, fetch },
  ...(policies !== undefined && { middleware: [sdkMiddleware(...policies)] }),
})

const withFetch = (options: CallOptions) => ({ maxRetries: 0, fetch: fetchOf(options) })

export const anthropicClients: readonly Client[] = [
  {
    ...{ name: '@anthropic-ai/sdk', package: '@anthropic-ai/sdk', way: 'wrapFetch' },
    ask(options) {
      const { messages } = new Anthropic({ apiKey: 'sk', baseURL: options.url, ...withFetch(options) })
      return read(messages, options)
    },
  },
  {
    ...{ name: '@anthropic-ai/sdk', package: '@anthropic-ai/sdk', way: 'sdkMiddleware' },
    ask(options) {
      const { messages } = new Anthropic({ apiKey: 'sk', baseURL: options.url, ...withMiddleware(options) })
      return read(messages, options)
    },
  },
  ...(['sdkMiddleware', 'wrapFetch'] as const).flatMap((way): Client[] => [
    {
      ...{ name: '@anthropic-ai/bedrock-sdk', package: '@anthropic-ai/bedrock-sdk', way },
      ask(options) {
        const { messages } = new AnthropicBedrock({
          ...{ awsAccessKey: 'AKIA', awsSecretKey: 'secret', awsRegion: 'us-east-1' },
          ...{
            baseURL: options.url,
            ...(way === 'wrapFetch' ? withFetch(options) : withMiddleware(options)),
          },
        })
        return read(messages, options)
      },
    },
    {
      ...{ name: '@anthropic-ai/vertex-sdk', package: '@anthropic-ai/vertex-sdk', way },
      ask(options) {
        const { messages } = new AnthropicVertex({
          ...{ authClient: google, projectId: 'p', region: 'us-east5', baseURL: options.url },
          ...(way === 'wrapFetch' ? withFetch(options) : withMiddleware(options)),
        })
        return read(messages, options)
      },
    },
  ]),
  {
    ...{ name: '@anthropic-ai/foundry-sdk', package: '@anthropic-ai/foundry-sdk', way: 'sdkMiddleware' },
    ask(options) {
      const { messages } = new AnthropicFoundry({
        apiKey: 'sk',
        baseURL: options.url,
        ...withMiddleware(options),
      })
      return read(messages, options)
    },
  },
  {
    ...{ name: '@anthropic-ai/aws-sdk', package: '@anthropic-ai/aws-sdk', way: 'sdkMiddleware' },
    ask(options) {
      const { messages } = new AnthropicAws({
        ...{ awsAccessKey: 'AKIA', awsSecretAccessKey: 'secret', awsRegion: 'us-east-1', workspaceId: 'w' },
        ...{ baseURL: options.url, ...withMiddleware(options) },
      })
      return read(messages, options)
    },
  },
  {
    ...{ name: '@anthropic-ai/google-cloud-sdk', package: '@anthropic-ai/google-cloud-sdk' },
    way: 'sdkMiddleware',
    ask(options) {
      const { messages } = new AnthropicGoogleCloud({
        ...{ bearerTokenProvider: async () => 'token', project: 'p', workspaceId: 'w', baseURL: options.url },
        ...withMiddleware(options),
      })
      return read(messages, options)
    },
  },
  {
    ...{ name: '@langchain/anthropic', package: '@langchain/anthropic', way: 'wrapFetch' },
    note: '`clientOptions: { fetch, maxRetries: 0 }` and `maxRetries: 0`: LangChain repeats calls, too, up to six times',
    async ask(options) {
      const { url, stream, signal } = options
      const chat = new ChatAnthropic({
        ...{ model, apiKey: 'sk', anthropicApiUrl: url, maxRetries: 0, streaming: stream },
        clientOptions: { fetch: fetchOf(options), maxRetries: 0 },
      })
      if (!stream) return (await chat.invoke('Where does it go?', { signal })).text
      let said = ''
      for await (const chunk of await chat.stream('Where does it go?', { signal })) said += chunk.text
      return said
    },
  },
]

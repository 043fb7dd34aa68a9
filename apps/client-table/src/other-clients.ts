import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock'
import { createAmazonBedrockAnthropic } from '@ai-sdk/amazon-bedrock/anthropic'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createAzure } from '@ai-sdk/azure'
import { createGoogleVertexAnthropic } from '@ai-sdk/google-vertex/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { HTTPClient, OpenRouter } from '@openrouter/sdk'
import type { ChatResult, ChatStreamChunk } from '@openrouter/sdk/models'
import { resilientModel } from '@spillway/ai-sdk'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'
import { type CallOptions, type Client, fetchOf } from './client.ts'

const model = 'claude-opus-5-5'
const prompt = 'Where does it go?'
const messages = [{ role: 'user' as const, content: prompt }]

const openai = (options: CallOptions): OpenAI =>
  new OpenAI({ apiKey: 'sk', baseURL: `${options.url}/v1`, maxRetries: 0, fetch: fetchOf(options) })

type Model = Parameters<typeof resilientModel>[0][number]

type MakeModel = (url: string, fetch: typeof globalThis.fetch) => Model

/** A model of the AI SDK, with the policies around it or in its provider's `fetch` option. */
function ofAiSdk(
  name: string,
  packageName: string,
  makeModel: MakeModel,
  way: 'resilientModel' | 'wrapFetch' = 'resilientModel',
): Client {
  return {
    ...{ name: `ai, ${name}`, package: packageName, way },
    async ask(options) {
      const { url, policies, stream, signal: abortSignal } = options
      const isInside = way === 'wrapFetch'
      const alone = makeModel(url, fetchOf(isInside ? options : { ...options, policies: undefined }))
      const asked =
        policies === undefined || isInside ? alone : resilientModel([alone], { each: () => policies })
      const call = { model: asked, prompt, maxRetries: 0, abortSignal }
      if (!stream) return (await generateText(call)).text
      let failure: unknown
      const result = streamText({
        ...call,
        onError({ error }) {
          failure = error
        },
      })
      let said = ''
      for await (const piece of result.textStream) said += piece
      if (failure !== undefined) throw failure
      return said
    },
  }
}

const anthropic: MakeModel = (url, fetch) =>
  createAnthropic({ apiKey: 'sk', baseURL: `${url}/v1`, fetch })(model)

const ofOpenai: MakeModel = (url, fetch) => createOpenAI({ apiKey: 'sk', baseURL: `${url}/v1`, fetch })(model)

const bedrock: MakeModel = (url, fetch) =>
  createAmazonBedrockAnthropic({ apiKey: 'sk', baseURL: url, fetch })(`us.anthropic.${model}`)

const vertex: MakeModel = (url, fetch) =>
  createGoogleVertexAnthropic({
    ...{ project: 'p', location: 'us-east5', baseURL: `${url}/v1/publishers/anthropic/models` },
    ...{ generateAuthToken: async () => 'token', fetch },
  })(model)

export const otherClients: readonly Client[] = [
  {
    ...{ name: 'openai, chat completions', package: 'openai', way: 'wrapFetch' },
    async ask(options) {
      const { completions } = openai(options).chat
      const { signal } = options
      if (!options.stream) {
        return (await completions.create({ model, messages }, { signal })).choices[0]?.message.content ?? ''
      }
      let said = ''
      for await (const { choices } of await completions.create(
        { model, messages, stream: true },
        { signal },
      )) {
        said += choices[0]?.delta.content ?? ''
      }
      return said
    },
  },
  {
    ...{ name: 'openai, responses', package: 'openai', way: 'wrapFetch' },
    async ask(options) {
      const { responses } = openai(options)
      const { signal } = options
      if (!options.stream) return (await responses.create({ model, input: prompt }, { signal })).output_text
      let said = ''
      for await (const event of await responses.create({ model, input: prompt, stream: true }, { signal })) {
        if (event.type === 'response.output_text.delta') said += event.delta
      }
      return said
    },
  },
  {
    ...{ name: '@openrouter/sdk', package: '@openrouter/sdk', way: 'wrapFetch' },
    note: "`httpClient: new HTTPClient({ fetcher })` and `retryConfig: { strategy: 'none' }`: its own retries last an hour",
    async ask(options) {
      const sdk = new OpenRouter({
        ...{ apiKey: 'sk', serverURL: `${options.url}/api/v1`, retryConfig: { strategy: 'none' } },
        httpClient: new HTTPClient({ fetcher: fetchOf(options) }),
      })
      const { signal, stream } = options
      const chatRequest = { model, messages, stream }
      const answer: unknown = await sdk.chat.send({ chatRequest } as never, { fetchOptions: { signal } })
      if (!stream) return String((answer as ChatResult).choices[0]?.message.content)
      let said = ''
      for await (const { choices } of answer as AsyncIterable<ChatStreamChunk>) {
        said += choices[0]?.delta.content ?? ''
      }
      return said
    },
  },
  ofAiSdk('@ai-sdk/anthropic', '@ai-sdk/anthropic', anthropic),
  ofAiSdk('@ai-sdk/anthropic', '@ai-sdk/anthropic', anthropic, 'wrapFetch'),
  ofAiSdk('@ai-sdk/openai, responses', '@ai-sdk/openai', ofOpenai),
  ofAiSdk('@ai-sdk/openai, responses', '@ai-sdk/openai', ofOpenai, 'wrapFetch'),
  ofAiSdk('@ai-sdk/azure', '@ai-sdk/azure', (url, fetch) =>
    createAzure({ apiKey: 'sk', baseURL: `${url}/openai`, fetch })(model),
  ),
  ofAiSdk('@ai-sdk/amazon-bedrock, Converse', '@ai-sdk/amazon-bedrock', (url, fetch) =>
    createAmazonBedrock({ apiKey: 'sk', baseURL: url, fetch })(`us.anthropic.${model}`),
  ),
  ofAiSdk('@ai-sdk/amazon-bedrock/anthropic', '@ai-sdk/amazon-bedrock', bedrock),
  ofAiSdk('@ai-sdk/amazon-bedrock/anthropic', '@ai-sdk/amazon-bedrock', bedrock, 'wrapFetch'),
  ofAiSdk('@ai-sdk/google-vertex/anthropic', '@ai-sdk/google-vertex', vertex),
  ofAiSdk('@ai-sdk/google-vertex/anthropic', '@ai-sdk/google-vertex', vertex, 'wrapFetch'),
]

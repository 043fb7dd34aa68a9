import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream'
import { degradedOf, type Json } from './matrix-json.ts'
import { ResponsesConversation } from './matrix-responses.ts'

/** What a caller got, in words of no protocol. */
export interface Seen {
  readonly text: string
  readonly calls: readonly { readonly name: string; readonly input: unknown }[]
  readonly thinking: string
  /** Whether it has ended for the sake of its calls. */
  readonly callsTools: boolean
  readonly outputTokens: number
  readonly degraded: string
}

/** What one turn asks. */
export interface Question {
  readonly model: string
  readonly stream: boolean
  /** What the user sees beside the question. @default nothing */
  readonly image?: string
  readonly tools?: boolean
  /** Whether a call of the first tool is demanded. */
  readonly forced?: boolean
  readonly thinks?: boolean
  readonly schema?: Json
}

/** One conversation of an official SDK through a gateway. */
export interface Conversation {
  ask(question: Question): Promise<Seen>
  /** Answers all calls of the last answer, and says something more. @param words empty for nothing @default 'Go on.' */
  answer(question: Question, words?: string): Promise<Seen>
}

export type Caller = 'messages' | 'chat' | 'responses'

export function conversationOf(caller: Caller, url: string): Conversation {
  if (caller === 'responses') return new ResponsesConversation(url, { said, instructions }, names, parameters)
  return caller === 'messages' ? new MessagesConversation(url) : new ChatConversation(url)
}

const said = 'What does the gauge say?'
const instructions = 'You watch the water.'
const parameters = {
  type: 'object' as const,
  properties: { gate: { type: 'integer', minimum: 0 }, note: { type: 'string' } },
  required: ['gate'],
}
const names = ['open_gate', 'ring_bell']

class MessagesConversation implements Conversation {
  readonly #client: Anthropic
  readonly #messages: Anthropic.MessageParam[] = []

  constructor(baseURL: string) {
    this.#client = new Anthropic({ apiKey: 'k', baseURL, maxRetries: 0 })
  }

  ask(question: Question): Promise<Seen> {
    const content: Anthropic.ContentBlockParam[] = [{ type: 'text', text: said }]
    const { image } = question
    const [, media, data] = /^data:(.*);base64,(.*)$/.exec(image ?? '') ?? []
    if (data !== undefined) {
      const source = { type: 'base64' as const, media_type: media as 'image/png', data }
      content.unshift({ type: 'image', source })
    } else if (image !== undefined) content.unshift({ type: 'image', source: { type: 'url', url: image } })
    this.#messages.push({ role: 'user', content })
    return this.#send(question)
  }

  answer(question: Question, words = 'Go on.'): Promise<Seen> {
    const { content } = this.#messages.at(-1) as { content: Anthropic.ContentBlock[] }
    const results = content.flatMap((block): Anthropic.ContentBlockParam[] =>
      block.type === 'tool_use' ? [{ type: 'tool_result', tool_use_id: block.id, content: 'done' }] : [],
    )
    const more = words === '' ? [] : [{ type: 'text' as const, text: words }]
    this.#messages.push({ role: 'user', content: [...results, ...more] })
    return this.#send(question)
  }

  async #send({ model, stream, tools, forced, thinks, schema }: Question): Promise<Seen> {
    const body: Anthropic.MessageCreateParamsNonStreaming = {
      model,
      max_tokens: 4000,
      system: instructions,
      messages: this.#messages,
      ...(tools && { tools: names.map((name) => ({ name, input_schema: parameters })) }),
      ...(forced && { tool_choice: { type: 'tool', name: 'open_gate' } }),
      ...(thinks && { thinking: { type: 'adaptive' } }),
      ...((thinks || schema !== undefined) && {
        output_config: {
          ...(thinks && { effort: 'high' }),
          ...(schema !== undefined && { format: { type: 'json_schema', schema } }),
        },
      }),
    }
    const { response, message } = stream ? await this.#streamed(body) : await this.#whole(body)
    this.#messages.push({ role: 'assistant', content: message.content as Anthropic.ContentBlockParam[] })
    const { content, stop_reason, usage } = message
    return {
      text: content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join(''),
      calls: content.flatMap((block) =>
        block.type === 'tool_use' ? [{ name: block.name, input: block.input }] : [],
      ),
      thinking: content.flatMap((block) => (block.type === 'thinking' ? [block.thinking] : [])).join(''),
      callsTools: stop_reason === 'tool_use',
      outputTokens: usage.output_tokens,
      degraded: degradedOf(response),
    }
  }

  async #whole(
    body: Anthropic.MessageCreateParamsNonStreaming,
  ): Promise<{ response: Response; message: Anthropic.Message }> {
    const { data, response } = await this.#client.messages.create(body).withResponse()
    return { message: data, response }
  }

  async #streamed(
    body: Anthropic.MessageCreateParamsNonStreaming,
  ): Promise<{ response: Response; message: Anthropic.Message }> {
    const { data, response } = await this.#client.messages.stream(body).withResponse()
    return { message: await data.finalMessage(), response }
  }
}

class ChatConversation implements Conversation {
  readonly #client: OpenAI
  readonly #messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'system', content: instructions }]

  constructor(url: string) {
    this.#client = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 })
  }

  ask(question: Question): Promise<Seen> {
    const text = { type: 'text' as const, text: said }
    const { image } = question
    const content =
      image === undefined ? said : [{ type: 'image_url' as const, image_url: { url: image } }, text]
    this.#messages.push({ role: 'user', content })
    return this.#send(question)
  }

  answer(question: Question, words = 'Go on.'): Promise<Seen> {
    const { tool_calls } = this.#messages.at(-1) as OpenAI.ChatCompletionMessage
    for (const { id } of tool_calls ?? []) {
      this.#messages.push({ role: 'tool', tool_call_id: id, content: 'done' })
    }
    if (words !== '') this.#messages.push({ role: 'user', content: words })
    return this.#send(question)
  }

  async #send({ model, stream, tools, forced, thinks, schema }: Question): Promise<Seen> {
    const body: OpenAI.ChatCompletionCreateParamsNonStreaming = {
      model,
      messages: this.#messages,
      ...(tools && {
        tools: names.map((name) => ({ type: 'function' as const, function: { name, parameters } })),
      }),
      ...(forced && { tool_choice: { type: 'function', function: { name: 'open_gate' } } }),
      ...(thinks && { reasoning_effort: 'high' }),
      ...(schema !== undefined && {
        response_format: { type: 'json_schema', json_schema: { name: 'level', schema, strict: true } },
      }),
    }
    const { response, completion, thought } = stream ? await this.#streamed(body) : await this.#whole(body)
    const [choice] = completion.choices
    if (choice === undefined) throw new Error('the completion has no choice')
    const { content, tool_calls: calls = [] } = choice.message
    // What a caller gives back is what it understands of a message, by the types of its SDK, and its thinking as it came.
    this.#messages.push({
      role: 'assistant',
      content: typeof content === 'string' ? content : null,
      ...(calls.length > 0 && { tool_calls: calls }),
      ...thought,
    } as OpenAI.ChatCompletionMessageParam)
    return {
      text: content ?? '',
      calls: calls.flatMap((call) =>
        call.type === 'function'
          ? [{ name: call.function.name, input: JSON.parse(call.function.arguments) }]
          : [],
      ),
      thinking: (thought.reasoning_content ?? thought.reasoning ?? '') as string,
      callsTools: choice.finish_reason === 'tool_calls',
      outputTokens: completion.usage?.completion_tokens ?? 0,
      degraded: degradedOf(response),
    }
  }

  async #whole(body: OpenAI.ChatCompletionCreateParamsNonStreaming): Promise<Completed> {
    const { data, response } = await this.#client.chat.completions.create(body).withResponse()
    return { completion: data, response, thought: thoughtOf([data.choices[0]?.message as Json | undefined]) }
  }

  async #streamed(body: OpenAI.ChatCompletionCreateParamsNonStreaming): Promise<Completed> {
    const { data, response } = await this.#client.chat.completions
      .create({ ...body, stream: true, stream_options: { include_usage: true } })
      .withResponse()
    const stream = ChatCompletionStream.fromReadableStream(data.toReadableStream())
    const deltas: (Json | undefined)[] = []
    stream.on('chunk', ({ choices }) => deltas.push(choices[0]?.delta as Json | undefined))
    return { completion: await stream.finalChatCompletion(), response, thought: thoughtOf(deltas) }
  }
}

interface Completed {
  readonly completion: OpenAI.ChatCompletion
  readonly response: Response
  readonly thought: Json
}

/** The fields in which servers say thinking, out of a message or its deltas. */
function thoughtOf(pieces: readonly (Json | undefined)[]): Json {
  const texts = ['reasoning_content', 'reasoning'].flatMap((name): [string, unknown][] => {
    const text = pieces.map((piece) => piece?.[name] ?? '').join('')
    return text === '' ? [] : [[name, text]]
  })
  const details = pieces.flatMap((piece) => (piece?.reasoning_details ?? []) as Json[])
  return { ...Object.fromEntries(texts), ...(details.length > 0 && { reasoning_details: details }) }
}

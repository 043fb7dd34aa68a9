import OpenAI from 'openai'
import type { Conversation, Question, Seen } from './matrix-clients.ts'
import { degradedOf } from './matrix-json.ts'

type Input = OpenAI.Responses.ResponseInputItem
type Body = OpenAI.Responses.ResponseCreateParamsNonStreaming

/** A conversation by `responses` of the official SDK: what comes goes back as it came, without a store. */
export class ResponsesConversation implements Conversation {
  readonly #client: OpenAI
  readonly #input: Input[] = []
  #calls: readonly string[] = []
  readonly #words: { readonly said: string; readonly instructions: string }
  readonly #tools: OpenAI.Responses.FunctionTool[]

  constructor(
    url: string,
    words: { said: string; instructions: string },
    names: string[],
    parameters: object,
  ) {
    this.#client = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 })
    this.#words = words
    this.#tools = names.map((name) => ({
      type: 'function',
      name,
      parameters: { ...parameters },
      strict: false,
    }))
  }

  ask(question: Question): Promise<Seen> {
    const { image } = question
    const shown =
      image === undefined ? [] : [{ type: 'input_image' as const, image_url: image, detail: 'auto' as const }]
    this.#input.push({ role: 'user', content: [...shown, { type: 'input_text', text: this.#words.said }] })
    return this.#send(question)
  }

  answer(question: Question, words = 'Go on.'): Promise<Seen> {
    for (const call_id of this.#calls)
      this.#input.push({ type: 'function_call_output', call_id, output: 'done' })
    if (words !== '') this.#input.push({ role: 'user', content: words })
    return this.#send(question)
  }

  async #send({ model, stream, tools, forced, thinks, schema }: Question): Promise<Seen> {
    const body: Body = {
      model,
      input: this.#input,
      instructions: this.#words.instructions,
      store: false,
      include: ['reasoning.encrypted_content'],
      ...(tools && { tools: this.#tools }),
      ...(forced && { tool_choice: { type: 'function', name: 'open_gate' } }),
      ...(thinks && { reasoning: { effort: 'high', summary: 'auto' } }),
      ...(schema !== undefined && {
        text: { format: { type: 'json_schema', name: 'level', schema, strict: true } },
      }),
    }
    const { response, answer } = stream ? await this.#streamed(body) : await this.#whole(body)
    this.#input.push(...(answer.output as Input[]))
    const calls = answer.output.filter((item) => item.type === 'function_call')
    this.#calls = calls.map(({ call_id }) => call_id)
    const thoughts = answer.output.flatMap((item) => (item.type === 'reasoning' ? item.summary : []))
    return {
      text: answer.output_text,
      calls: calls.map(({ name, arguments: input }) => ({ name, input: JSON.parse(input) })),
      thinking: thoughts.map(({ text }) => text).join(''),
      // The protocol has no word for it.
      callsTools: calls.length > 0 && answer.status === 'completed',
      outputTokens: answer.usage?.output_tokens ?? 0,
      degraded: degradedOf(response),
    }
  }

  async #whole(body: Body): Promise<{ response: Response; answer: OpenAI.Responses.Response }> {
    const { data, response } = await this.#client.responses.create(body).withResponse()
    return { answer: data, response }
  }

  async #streamed(body: Body): Promise<{ response: Response; answer: OpenAI.Responses.Response }> {
    const { data, response } = await this.#client.responses.create({ ...body, stream: true }).withResponse()
    let answer: OpenAI.Responses.Response | undefined
    for await (const event of data) {
      if (event.type === 'response.completed' || event.type === 'response.incomplete') answer = event.response
    }
    if (answer === undefined) throw new Error('the stream ends without a response')
    const output_text = answer.output
      .flatMap((item) => (item.type === 'message' ? item.content : []))
      .map((part) => (part.type === 'output_text' ? part.text : ''))
      .join('')
    return { answer: { ...answer, output_text }, response }
  }
}

import type { Api, Usage } from '@spillway/middleware'
import { readBody, recordCall } from '@spillway/middleware/kit'
import { callError } from './call-error.ts'
import { type CallOptions, type Prompt, promptRequest, type Surface } from './prompt.ts'

/** A whole answer. */
export interface Completion {
  /** All text of the answer. */
  readonly text: string
  /** The model that answered, by its own word. */
  readonly model: string | undefined
  /** The target that answered. */
  readonly target: string | undefined
  /** As the vendor put it: `end_turn`, `max_tokens`, `stop`, `length`, `refusal`, … */
  readonly stopReason: string | undefined
  readonly usage: Usage | undefined
}

/**
 * Asks and waits for the whole answer.
 * @throws SpillwayError when the call fails; the signal's reason when it aborts
 */
export async function complete(
  surface: Surface,
  prompt: Prompt,
  options: CallOptions = {},
): Promise<Completion> {
  const request = recordCall(promptRequest(surface, prompt, options, false))
  const response = await surface.handler(request)
  if (response.failure !== undefined) {
    response.body.cancel()
    throw callError(request, response.failure)
  }
  const json: unknown = JSON.parse(new TextDecoder().decode(await readBody(response.body)))
  const { usage, stopReason, model } = await response.outcome
  return { text: answerText(surface.api, json), usage, stopReason, model, target: response.target }
}

type Answer = {
  readonly content?: readonly { readonly type?: string; readonly text?: string }[]
  readonly choices?: readonly { readonly message?: { readonly content?: string | null } }[]
}

function answerText(api: Api, json: unknown): string {
  const answer = json as Answer
  if (api === 'openai') return answer.choices?.[0]?.message?.content ?? ''
  return (answer.content ?? []).map((block) => (block.type === 'text' ? (block.text ?? '') : '')).join('')
}

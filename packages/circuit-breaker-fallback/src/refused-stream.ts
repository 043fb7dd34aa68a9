import type { ModelRequest, ModelResponse } from '@spillway/middleware'
import { bodyOf, type JsonObject, readBody } from '@spillway/middleware/kit'
import { iteration, readRefusal, seamBlock } from './model-refusal.ts'
import { partialMessage } from './partial-message.ts'
import type { RefusalChain } from './refusal-chain.ts'
import { withoutLength } from './refused-whole.ts'
import { seamSplice } from './seam-splice.ts'
import { SeamedStream } from './seamed-stream.ts'

/**
 * The stream of the first model that begins to answer: what declines before any output is not seen, but for the seams at the
 * beginning. What declines later is taken over within the stream. Where all decline, that is what the last one has said.
 */
export async function streamedAnswer(
  chain: RefusalChain,
  request: ModelRequest,
  response: ModelResponse,
  first: string,
): Promise<ModelResponse> {
  const seams: JsonObject[] = []
  const iterations: JsonObject[] = []
  let current = response
  let model = first
  while (current.refusal !== undefined) {
    const bytes = await readBody(current.body)
    const message = partialMessage([bytes])?.message ?? {}
    const refusal = readRefusal(message, model)
    const answer = await chain.next(refusal, { continues: false })
    if (answer === undefined) {
      const seamed = seamSplice({ model, seams, offset: 0, hasBegun: false, iterations })
      return { ...current, body: bodyOf(seams.length === 0 ? bytes : seamed(bytes)) }
    }
    seams.push(seamBlock(refusal, answer.model))
    iterations.push(iteration('message', model, refusal.usage))
    current = answer.response
    model = answer.model
  }
  chain.settle(model)
  const stream = new SeamedStream({ chain, request, response: current, model, seams, iterations })
  const { body, outcome } = stream.relay
  const transcript = current.transcript && stream.transcript()
  return { ...current, headers: withoutLength(current.headers), body, outcome, transcript }
}

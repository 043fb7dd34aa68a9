import type { LanguageModelV4 } from '@ai-sdk/provider'
import { attempt, type Target } from '@spillway/attempt'
import { compose, deriveRequest, type Handler, type Middleware, named } from '@spillway/middleware'
import { refuse } from '@spillway/wire'
import { answerHeader, ModelAnswer, type ModelCall } from './model-call.ts'
import { readModelError } from './model-error.ts'
import { modelTransport } from './model-transport.ts'

/** A model as a target, with its own middleware around it. */
export function modelTarget(name: string, model: LanguageModelV4, middleware: readonly Middleware[]): Target {
  const { modelId } = model
  const aimed: Middleware = (next) => (request) => {
    const { body, context } = request
    // The body stays: the model ignores the name in it.
    return next(deriveRequest(request, { model: modelId, body, context: { ...context, target: name } }))
  }
  named(aimed, `target ${name}`)
  return { name, model: modelId, handler: compose([aimed, ...middleware], modelHandler(model)) }
}

/** One attempt at a model, whose response names the answer behind it. */
function modelHandler(model: LanguageModelV4): Handler {
  const send = attempt(modelTransport(model))
  const handler: Handler = async (request) => {
    const { answers } = request.context.modelCall as ModelCall
    const answer = new ModelAnswer(model.modelId, answers.length)
    answers.push(answer)
    const context = { ...request.context, modelAnswer: answer }
    try {
      const response = await send(deriveRequest(request, { context }))
      return { ...response, headers: { ...response.headers, [answerHeader]: String(answer.number) } }
    } catch (error) {
      const read = readModelError(error, request.clock.epoch())
      if (error !== answer.error || read.is !== 'unfit') throw error
      const refusal = refuse(request, { kind: 'unfit', message: read.message })
      return { ...refusal, headers: { ...refusal.headers, [answerHeader]: String(answer.number) } }
    }
  }
  return named(handler, 'model')
}

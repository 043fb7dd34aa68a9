import {
  deriveRequest,
  emit,
  type Handler,
  type ModelRequest,
  type ModelResponse,
} from '@spillway/middleware'
import { degradedResponse } from './degraded-header.ts'
import { freshLesson, type LearnedDialect, mostLessons } from './learned-dialect.ts'
import { type ChatInDialect, chatInDialect } from './protocols/chat-in-dialect.ts'
import type { ChatDialect } from './protocols/dialect.ts'
import { type Loss, mergeLosses } from './protocols/loss.ts'
import './events.ts'

/**
 * A chat request to a server of chat completions: in the words of its dialect where the caller's are other ones, and written
 * again where it refuses one of them. A request without such words passes as it is, and the answer always does.
 */
export async function inItsDialect(
  next: Handler,
  request: ModelRequest,
  learned: LearnedDialect,
): Promise<ModelResponse> {
  const { model, clock } = request
  const base = learned.base
  const known = learned.changes(model, clock.now())
  let told: readonly Loss[] = []
  const send = (written: ChatInDialect): Promise<ModelResponse> => {
    const losses = written.degraded.filter((loss) => !told.includes(loss))
    if (losses.length > 0) emit(request, 'degraded', { losses })
    told = mergeLosses(told, losses)
    return next(written.body === request.body ? request : deriveRequest(request, { body: written.body }))
  }
  let written = chatInDialect(request.body, model, base, known)
  let response = await send(written)
  let changes: Partial<ChatDialect> = {}
  for (let lessons = 0; lessons < mostLessons && response.failure !== undefined; lessons++) {
    const lesson = lessonOf(response, written, changes)
    if (lesson === undefined) break
    const again = chatInDialect(request.body, model, base, { ...known, ...lesson })
    // Where the caller's words stay the same, the server would say the same.
    if (Buffer.compare(again.body.bytes, written.body.bytes) === 0) break
    changes = lesson
    response.body.cancel()
    written = again
    response = await send(written)
  }
  if (response.failure === undefined && Object.keys(changes).length > 0) {
    learned.learn(model, changes, clock.now())
  }
  return degradedResponse(response, written.degraded)
}

/** What can be said otherwise, or is no loss to the answer. What the caller asks for stays: its refusal is the truth. */
const isWord: ReadonlySet<string> = new Set<keyof ChatDialect>([
  'systemRole',
  'maxTokens',
  'user',
  'streamOptions',
  'parallelToolCalls',
  'strict',
])

function lessonOf(
  { failure }: ModelResponse,
  { body }: ChatInDialect,
  changes: Partial<ChatDialect>,
): Partial<ChatDialect> | undefined {
  try {
    const lesson = failure && freshLesson(failure, body, changes)
    if (lesson === undefined) return undefined
    const words = Object.entries(lesson).filter(([name]) => isWord.has(name))
    return words.length > Object.keys(changes).length ? Object.fromEntries(words) : undefined
  } catch (error) {
    // Only the server can judge such a body.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

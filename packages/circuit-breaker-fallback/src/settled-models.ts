import { deriveRequest, type ModelRequest } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
import { conversationOf } from '@spillway/wire'

interface Settled {
  readonly model: string
  readonly until: number
}

/**
 * Which model a conversation stays with, since the one that was asked for has declined it. Turns of a conversation are recognised by
 * what all of them begin with, not by the caller's session alone, whose other conversations may be harmless. A first turn has
 * no model to stay with.
 */
export class SettledModels {
  readonly #settled: RecentMap<Settled>
  readonly #stayFor: number

  constructor(most: number, stayFor: number) {
    this.#settled = new RecentMap(most)
    this.#stayFor = stayFor
  }

  modelFor(request: ModelRequest): string | undefined {
    if (this.#settled.size === 0) return undefined
    const conversation = promptOf(request)
    if (conversation === undefined || conversation.isFirstTurn) return undefined
    const found = this.#settled.get(keyOf(request, conversation.key))
    return found === undefined || found.until <= request.clock.now() ? undefined : found.model
  }

  /** @param request as it was asked for */
  settle(request: ModelRequest, model: string): void {
    const key = promptOf(request)?.key
    if (key === undefined) return
    this.#settled.set(keyOf(request, key), { model, until: request.clock.now() + this.#stayFor })
  }
}

function promptOf(request: ModelRequest): ReturnType<typeof conversationOf> {
  return conversationOf(deriveRequest(request, { context: { ...request.context, session: undefined } }))
}

function keyOf({ model, context: { tenant, session } }: ModelRequest, key: string): string {
  return JSON.stringify([tenant ?? '', session ?? '', model, key])
}

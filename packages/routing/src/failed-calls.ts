import type { ModelRequest } from '@spillway/middleware'
import type { Deadline } from '@spillway/middleware/kit'
import type { Endpoint } from './endpoint.ts'

interface FailedCall {
  readonly deadline: Deadline
  readonly tried: Set<Endpoint>
}

/** More calls than this do not fail at a time, or it does not matter any more. */
const most = 1_000

/**
 * Which endpoints have failed a call that may come again, by its id. A call is forgotten when it is answered, when its
 * deadline is over, or when a thousand younger ones have failed; one that never fails is never remembered.
 */
export class FailedCalls {
  readonly #calls = new Map<string, FailedCall>()

  tried({ context }: ModelRequest): ReadonlySet<Endpoint> | undefined {
    return this.#calls.size === 0 ? undefined : this.#calls.get(context.callId)?.tried
  }

  add({ context, deadline, clock }: ModelRequest, endpoint: Endpoint): void {
    const call = this.#calls.get(context.callId)
    if (call !== undefined) {
      call.tried.add(endpoint)
      return
    }
    const now = clock.now()
    for (const [id, old] of this.#calls) {
      if (old.deadline > now && this.#calls.size < most) break
      this.#calls.delete(id)
    }
    this.#calls.set(context.callId, { deadline, tried: new Set([endpoint]) })
  }

  forget({ context }: ModelRequest): void {
    if (this.#calls.size > 0) this.#calls.delete(context.callId)
  }

  clear(): void {
    this.#calls.clear()
  }

  get size(): number {
    return this.#calls.size
  }
}

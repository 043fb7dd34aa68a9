import type { ModelRequest } from '@spillway/middleware'
import { bytesIn, type JsonBody } from '@spillway/middleware/kit'

/** From here on, parsing, changing and encoding a body are told apart by turns of the event loop, in bytes. */
const largeBody = 512 * 1024

const derived = new WeakSet<JsonBody>()

/** Whether a body is so large that other calls must get their turn while it is worked on. */
export function isLarge(body: JsonBody): boolean {
  return derived.has(body) || (body.fields !== undefined && bytesIn(body) > largeBody)
}

/** Marks what was made of a large body as large, since asking for its size would encode it. */
export function alsoLarge(body: JsonBody, source: JsonBody): JsonBody {
  if (isLarge(source)) derived.add(body)
  return body
}

/** Lets other calls have their turn. */
export function nextTurn({ clock }: ModelRequest): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(0, resolve)
  })
}

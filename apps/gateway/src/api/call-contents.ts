import type { CallContent } from '@spillway/gateway-api'
import { deriveRequest, type Middleware, named } from '@spillway/middleware'
import { followCall, type JsonObject, type Transcript } from '@spillway/middleware/kit'

type Message = CallContent['messages'][number]

/** What is kept of prompts and answers at most. */
export interface ContentBounds {
  readonly calls: number
  /** Of all calls together. */
  readonly bytes: number
  /** Of one call: its answer first, then its newest messages. */
  readonly bytesPerCall: number
}

const standard: ContentBounds = { calls: 200, bytes: 16 * 2 ** 20, bytesPerCall: 64 * 1024 }

/** Remembers what the latest calls said, in memory alone: none of it is booked, logged or sent on. */
export class CallContents {
  readonly #contents = new Map<string, { readonly content: CallContent; readonly bytes: number }>()
  readonly #bounds: ContentBounds
  #bytes = 0

  /** @param longest bytes of one call that are kept, where they are fewer than by `bounds` */
  constructor(longest: number = Infinity, bounds: ContentBounds = standard) {
    this.#bounds = { ...bounds, bytesPerCall: Math.min(longest, bounds.bytesPerCall) }
  }

  add(callId: string, prompt: JsonObject, said: Transcript | undefined): void {
    const { content, bytes } = contentOf(prompt, said, this.#bounds.bytesPerCall)
    this.#forget(callId)
    this.#contents.set(callId, { content, bytes })
    this.#bytes += bytes
    for (const oldest of this.#contents.keys()) {
      if (this.#contents.size <= this.#bounds.calls && this.#bytes <= this.#bounds.bytes) break
      this.#forget(oldest)
    }
  }

  has(callId: string): boolean {
    return this.#contents.has(callId)
  }

  of(callId: string): CallContent | undefined {
    return this.#contents.get(callId)?.content
  }

  #forget(callId: string): void {
    this.#bytes -= this.#contents.get(callId)?.bytes ?? 0
    this.#contents.delete(callId)
  }
}

/** Hands what each call asks and is answered to `contents`, at its outcome. */
export function keepContents(contents: CallContents): Middleware {
  const keeping: Middleware = (next) => (request) =>
    followCall(deriveRequest(request, { keepTranscript: true }), next, ({ record, response }) =>
      contents.add(record.callId, request.body.json, response?.transcript),
    )
  return named(keeping, 'prompts and answers for the dashboard', { hidden: true })
}

/** Text up to a number of bytes, which is taken from what is left. */
function budget(bytes: number) {
  let left = bytes
  let isCut = false
  return {
    take(text: string): string {
      const size = Buffer.byteLength(text)
      if (size <= left) {
        left -= size
        return text
      }
      isCut = true
      // Half a character at the end would become a replacement character.
      const kept = Buffer.from(text)
        .subarray(0, left)
        .toString()
        .replace(/\ufffd$/, '')
      left = 0
      return kept
    },
    get isEmpty() {
      return left === 0
    },
    used: () => bytes - left,
    cut: () => {
      isCut = true
    },
    isCut: () => isCut,
  }
}

/** Bytes that a message takes beside its text. */
const overhead = 64

function contentOf(
  { system, instructions, messages, input }: JsonObject,
  said: Transcript | undefined,
  most: number,
): { content: CallContent; bytes: number } {
  const space = budget(most)
  const answer = said === undefined ? null : space.take(said.blocks.map(blockText).join('\n'))
  const asked = messages ?? input
  const all =
    typeof asked === 'string' ? [{ role: 'user', content: asked }] : Array.isArray(asked) ? asked : []
  const first = system ?? instructions
  const given = first === undefined ? all : [{ role: 'system', content: first }, ...all]
  const kept: Message[] = []
  for (let index = given.length - 1; index >= 0; index--) {
    if (space.isEmpty || (kept.length + 1) * overhead > most) {
      space.cut()
      break
    }
    kept.unshift(messageOf(given[index], space.take))
  }
  return {
    content: { messages: kept, answer, isCut: space.isCut() },
    bytes: space.used() + kept.length * overhead,
  }
}

function messageOf(message: unknown, take: (text: string) => string): Message {
  const { role, type, content, output } = (message ?? {}) as Record<string, unknown>
  const name = typeof role === 'string' ? role : typeof type === 'string' ? type : 'unknown'
  return { role: name.slice(0, 32), text: take(textOf(content ?? output)) }
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map(partText).join('\n')
}

/** Pictures, documents and calls of tools are named alone. */
function partText(part: unknown): string {
  if (typeof part === 'string') return part
  const { text, type, content } = (part ?? {}) as Record<string, unknown>
  if (typeof text === 'string') return text
  const inside = textOf(content)
  return inside === '' ? `[${typeof type === 'string' ? type.slice(0, 32) : 'unknown'}]` : inside
}

function blockText({ type, text }: Transcript['blocks'][number]): string {
  return type === 'text' ? text : `[${type}]`
}

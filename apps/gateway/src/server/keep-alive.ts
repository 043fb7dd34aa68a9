import type { ServerResponse } from 'node:http'
import { type CallerProtocol, streamType } from '@spillway/attempt'
import type { Api } from '@spillway/middleware'
import { bedrockFrame } from '@spillway/wire/internal'

const comment = ': keep-alive\n\n'
const ping = '{"type":"ping"}'

/** What keeps a stream alive without saying anything: an event that Anthropic's clients skip, a comment for the others. */
const signsOfLife: Readonly<Record<Api, string>> = {
  anthropic: `event: ping\ndata: ${ping}\n\n`,
  openai: comment,
  responses: comment,
}

/** Frames have no comments: Bedrock's clients get the event, which they skip as all of Anthropic's do. */
function signOfLife({ api, venue }: CallerProtocol): string | Uint8Array {
  if (venue === 'bedrock') return bedrockFrame(ping)
  return venue === 'vertex' ? comment : signsOfLife[api]
}

/** What says something of a stream beside its events: a comment, and for Bedrock's clients an event that they skip. */
export function remark(text: string, { venue }: CallerProtocol): string | Uint8Array {
  if (venue === 'bedrock') return bedrockFrame(JSON.stringify({ type: 'ping', spillway: text }))
  return `: ${text}\n\n`
}

/** A stream that is being held for its first content. */
export interface HeldStream {
  /** Whether status and headers have been given up already, so that errors must be events from here on. */
  readonly hasBegun: boolean
  /** No more signs of life: the answer is here. */
  stop(): void
}

/**
 * Sends keep-alives to the client of a stream: after `everyMs`, and again after each further `everyMs`. The
 * first sign gives up the status.
 */
export function keepAlive(res: ServerResponse, spoken: CallerProtocol, everyMs: number): HeldStream {
  let hasBegun = false
  const timer = setInterval(() => {
    if (res.destroyed) return
    if (!hasBegun) {
      hasBegun = true
      res.writeHead(200, { 'content-type': streamType(spoken.venue), 'cache-control': 'no-cache' })
    }
    res.write(signOfLife(spoken))
  }, everyMs)
  return {
    get hasBegun() {
      return hasBegun
    },
    stop: () => clearInterval(timer),
  }
}

import type { ServerResponse } from 'node:http'
import type { Api } from '@spillway/middleware'

/** What keeps a stream alive without saying anything: an event that Anthropic's clients skip, a comment for the others. */
const signsOfLife: Readonly<Record<Api, string>> = {
  anthropic: 'event: ping\ndata: {"type":"ping"}\n\n',
  openai: ': keep-alive\n\n',
  responses: ': keep-alive\n\n',
}

/** A stream that is being held for its first content. */
export interface HeldStream {
  /** Whether status and headers have been given up already, so that errors must be events from here on. */
  readonly hasBegun: boolean
  /** No more signs of life: the answer is here. */
  stop(): void
}

/**
 * Shows the client of a stream that somebody is at work: after `everyMs`, and again after each further `everyMs`. The
 * first sign gives up the status.
 */
export function keepAlive(res: ServerResponse, api: Api, everyMs: number): HeldStream {
  let hasBegun = false
  const timer = setInterval(() => {
    if (res.destroyed) return
    if (!hasBegun) {
      hasBegun = true
      res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    }
    res.write(signsOfLife[api])
  }, everyMs)
  return {
    get hasBegun() {
      return hasBegun
    },
    stop: () => clearInterval(timer),
  }
}

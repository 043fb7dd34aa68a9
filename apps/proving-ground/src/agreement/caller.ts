import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { CallPlan } from './call-plan.ts'
import type { Upstreams } from './upstream-record.ts'

/** Makes the calls of the mix over sockets of its own. */
export interface Caller {
  /** Resolves when the call is over for its client, one way or another. */
  call(plan: CallPlan): Promise<void>
  close(): void
}

export function createCaller(gateway: string, upstreams: Upstreams, hedgeAfter: number): Caller {
  const agent = new Agent({ keepAlive: true })
  return {
    async call(plan) {
      const outgoing = request(`${gateway}${pathOf(plan)}`, {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', ...keyOf(plan) },
      })
      const response = answerOf(outgoing)
      outgoing.end(JSON.stringify(bodyOf(plan)))
      if (plan.course === 'left-early' || plan.course === 'left-late') {
        const arrived = upstreams.arrived(plan.index, plan.course === 'left-late' ? 2 : 1)
        // A hedge does not come where the other endpoint is left out.
        await Promise.race([arrived, response, pause(hedgeAfter * 2)])
        outgoing.destroy()
        return
      }
      const incoming = await response
      if (incoming === undefined) return
      await new Promise<void>((resolve) => {
        incoming.on('close', resolve)
        incoming.on('error', () => {})
        incoming.on('data', () => {
          if (plan.course === 'left-inside') outgoing.destroy()
        })
      })
    },
    close: () => agent.destroy(),
  }
}

function answerOf(outgoing: ClientRequest): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    outgoing.on('response', resolve)
    outgoing.on('error', () => resolve(undefined))
  })
}

function pathOf({ api }: CallPlan): string {
  return api === 'anthropic' ? '/v1/messages' : '/v1/chat/completions'
}

function keyOf({ api, key }: CallPlan): Record<string, string> {
  return api === 'anthropic'
    ? { 'x-api-key': key, 'anthropic-version': '2023-06-01' }
    : { authorization: `Bearer ${key}` }
}

function bodyOf({ model, stream, index }: CallPlan): object {
  return { model, max_tokens: 500, stream, messages: [{ role: 'user', content: `call number ${index}` }] }
}

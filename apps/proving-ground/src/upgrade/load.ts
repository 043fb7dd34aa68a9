import { setTimeout as delay } from 'node:timers/promises'

/** Calls that go on while gateways are replaced. */
export interface Load {
  /** By the id that the gateway gave: calls that were answered. */
  readonly answered: readonly string[]
  readonly failures: readonly string[]
  /** Sends no more calls to a gateway that is about to be stopped, and waits until it has answered those that it has. */
  takeOut(url: string): Promise<void>
  /** Sends calls to it again. */
  putBack(url: string): void
  /** Ends it, once all of its calls have been answered. */
  stop(): Promise<void>
}

export interface LoadOptions {
  /** Of a client. */
  readonly key: string
  readonly callsPerSecond: number
  /** Gateways that are taken out when it begins. */
  readonly takenOut: readonly string[]
}

export const requestBody = (model: string): string =>
  JSON.stringify({ model, max_tokens: 16, messages: [{ role: 'user', content: 'Hi' }] })

/** Calls at the gateways in turn, as a load balancer sends them; one that is replaced is taken out before. */
export function startLoad(urls: readonly string[], { key, callsPerSecond, takenOut }: LoadOptions): Load {
  const answered: string[] = []
  const failures: string[] = []
  const running = new Set<Promise<void>>()
  const taken = new Set(takenOut)
  let isOver = false
  let turn = 0
  const call = async (url: string): Promise<void> => {
    try {
      const response = await fetch(`${url}/v1/messages`, {
        method: 'POST',
        headers: { 'x-api-key': key },
        body: requestBody('claude-sonnet-5-5'),
      })
      const text = await response.text()
      const id = response.headers.get('x-spillway-call-id')
      if (response.status === 200 && id !== null) answered.push(id)
      else failures.push(`${response.status} ${text}`)
    } catch (error) {
      failures.push(String((error as { cause?: unknown }).cause ?? error))
    }
  }
  const sending = (async () => {
    while (!isOver) {
      const ready = urls.filter((url) => !taken.has(url))
      const url = ready[turn++ % Math.max(1, ready.length)]
      if (url !== undefined) {
        const answer = call(url)
        running.add(answer)
        void answer.finally(() => running.delete(answer))
      }
      await delay(1_000 / callsPerSecond)
    }
  })()
  return {
    answered,
    failures,
    async takeOut(url) {
      taken.add(url)
      await Promise.all(running)
    },
    putBack: (url) => void taken.delete(url),
    async stop() {
      isOver = true
      await sending
      await Promise.all(running)
    },
  }
}

import { setTimeout as delay } from 'node:timers/promises'

/** What clients saw of a phase. */
export interface Seen {
  readonly latencies: number[]
  readonly failures: string[]
}

const body = (index: number): string =>
  JSON.stringify({
    ...{ model: 'claude-opus-5', max_tokens: 64, stream: index % 2 === 0 },
    // Four turns of each conversation: new ones come all the time, and old ones stay where they were answered.
    metadata: { user_id: `user_account__session_${Math.floor(index / 4)}` },
    messages: [{ role: 'user', content: `Question ${Math.floor(index / 4)}` }],
  })

/** Calls at a rate for a while; resolves when all have ended. */
export async function load(url: string, rate: number, seconds: number, from: number): Promise<Seen> {
  const seen: Seen = { latencies: [], failures: [] }
  const running: Promise<void>[] = []
  const ticks = Math.ceil(seconds * 20)
  for (let tick = 0, index = from; tick < ticks; tick++) {
    for (let call = 0; call < rate / 20; call++, index++) running.push(ask(url, index, seen))
    await delay(50)
  }
  await Promise.all(running)
  return seen
}

async function ask(url: string, index: number, { latencies, failures }: Seen): Promise<void> {
  const startedAt = performance.now()
  try {
    const response = await fetch(`${url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: body(index),
    })
    const reader = response.body?.getReader()
    let said = ''
    const decoder = new TextDecoder()
    for (let first = true; reader !== undefined; first = false) {
      const { done, value } = await reader.read()
      if (first) latencies.push(performance.now() - startedAt)
      if (done) break
      said += decoder.decode(value, { stream: true })
    }
    const isWhole =
      index % 2 === 0 ? said.includes('"type":"message_stop"') : said.includes('"stop_reason":"end_turn"')
    if (response.status !== 200 || !isWhole) failures.push(`${response.status} ${said.slice(-200)}`)
  } catch (error) {
    failures.push(String(error))
  }
}

/** A quantile of some numbers; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

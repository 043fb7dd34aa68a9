import { setTimeout as delay } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import { epochNow, type Pace } from './paced-claude.ts'

export interface StreamLoad extends Pace {
  readonly streams: number
  /** Milliseconds over which they begin, evenly. */
  readonly rampMs: number
}

/** What a client has seen of its streams. All times in milliseconds. */
export interface Seen {
  /** Streams that came whole: status 200, each delta, a proper end. */
  whole: number
  /** Why others did not; the first few. */
  readonly broken: string[]
  /** From the request to the first delta. */
  readonly firstBytes: number[]
  /** From the upstream's write to the arrival here, of each delta. */
  readonly delays: number[]
}

/** Opens so many streams at `url`, reads them to their ends, and says what came when. */
export async function openStreams(url: string, dispatcher: Dispatcher, load: StreamLoad): Promise<Seen> {
  const seen: Seen = { whole: 0, broken: [], firstBytes: [], delays: [] }
  const body = JSON.stringify({
    ...{ model: 'claude-sonnet-5-5', max_tokens: 100, stream: true },
    messages: [{ role: 'user', content: 'Hello?' }],
    metadata: { user_id: `${load.chunks}/${load.everyMs}` },
  })
  const one = async (index: number): Promise<void> => {
    await delay((index * load.rampMs) / load.streams)
    try {
      await readStream(url, dispatcher, body, load.chunks, seen)
      seen.whole++
    } catch (error) {
      if (seen.broken.length < 5) seen.broken.push(String(error))
    }
  }
  await Promise.all(Array.from({ length: load.streams }, (_, index) => one(index)))
  return seen
}

async function readStream(
  url: string,
  dispatcher: Dispatcher,
  body: string,
  chunks: number,
  seen: Seen,
): Promise<void> {
  const startedAt = epochNow()
  const response = await dispatcher.request({
    ...{ origin: url, path: '/v1/messages', method: 'POST', body, headersTimeout: 0, bodyTimeout: 0 },
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'x-api-key': 'k' },
  })
  if (response.statusCode !== 200)
    throw new Error(`status ${response.statusCode}: ${await response.body.text()}`)
  let deltas = 0
  let tail = ''
  for await (const chunk of response.body) {
    const now = epochNow()
    const text = tail + (chunk as Buffer).toString('latin1')
    for (const [, time] of text.matchAll(/"text":" (\d+\.\d+)"/g)) {
      if (deltas++ === 0) seen.firstBytes.push(now - startedAt)
      seen.delays.push(now - Number(time))
    }
    const lastEvent = text.lastIndexOf('\n\n')
    tail = lastEvent < 0 ? text : text.slice(lastEvent)
    if (text.includes('event: message_stop')) tail = 'stopped'
  }
  if (tail !== 'stopped' || deltas !== chunks) throw new Error(`${deltas} of ${chunks} deltas, then: ${tail}`)
}

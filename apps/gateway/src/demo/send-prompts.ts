import { setTimeout as delay } from 'node:timers/promises'

const questions = [
  'What does a spillway do?',
  'Name a river with a large dam.',
  'Why do engineers plan for floods?',
  'Say something reassuring.',
]

/** Milliseconds between an answer and the next question. */
export const pause = 1_500

/** The model that is asked for. */
export const askedModel = 'claude-sonnet-5-5'

/** Asks one question after the other, streamed, as any client would, until the signal aborts. Never rejects. */
export async function sendPrompts(url: string, beforeEach: () => void, signal: AbortSignal): Promise<void> {
  for (let turn = 0; !signal.aborted; turn++) {
    beforeEach()
    try {
      const response = await fetch(`${url}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
        body: JSON.stringify({
          model: askedModel,
          max_tokens: 64,
          stream: true,
          messages: [{ role: 'user', content: questions[turn % questions.length] }],
        }),
        signal,
      })
      await response.text()
    } catch {
      // A connection that broke off, after the machine has slept for instance: the next question has a new one.
    }
    await delay(pause, undefined, { signal }).catch(() => {})
  }
}

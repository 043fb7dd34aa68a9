import { setTimeout as delay } from 'node:timers/promises'

const questions = [
  'What does a spillway do?',
  'Name a river with a large dam.',
  'Why do engineers plan for floods?',
  'Say something reassuring.',
]

/** Milliseconds between an answer and the next question. */
const pause = 1_500

/** Asks one question after the other, streamed, like any client would, until the signal aborts. */
export async function sendPrompts(
  url: string,
  beforeEach: (turn: number) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let turn = 0; !signal.aborted; turn++) {
    beforeEach(turn)
    try {
      const response = await fetch(`${url}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
        body: JSON.stringify({
          model: 'claude-sonnet-5-5',
          max_tokens: 64,
          stream: true,
          messages: [{ role: 'user', content: questions[turn % questions.length] }],
        }),
        signal,
      })
      await response.text()
      await delay(pause, undefined, { signal })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}

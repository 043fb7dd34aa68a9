import type { Transcript } from '@spillway/middleware/kit'
import type { SseEvent } from '@spillway/wire'
import { isDone } from '@spillway/wire/internal'
import { textSoFar } from './continuation.ts'
import { OverlapFilter } from './overlap.ts'
import { parseEvent, type Splice } from './splice.ts'

type Chunk = {
  readonly id?: string
  readonly choices?: readonly {
    readonly delta?: {
      readonly content?: string | null
      readonly role?: string
      readonly [key: string]: unknown
    }
    readonly finish_reason?: string | null
  }[]
  readonly usage?: {
    readonly completion_tokens?: number
    readonly prompt_tokens?: number
    readonly total_tokens?: number
  } | null
}

/**
 * Re-serialises a second stream of chunks so that it goes on where the first broke off: under the first one's id, without
 * a second role, without what it repeats.
 */
export function openaiSplice(transcript: Transcript, outputTokensSoFar: number): Splice {
  const overlap = new OverlapFilter(textSoFar(transcript))
  let begun = ''

  const spliced = (chunk: Chunk): Chunk => {
    const choices = chunk.choices?.map((choice) => {
      const { role: _, ...delta } = choice.delta ?? {}
      const ends = choice.finish_reason != null
      const piece = typeof delta.content === 'string' ? overlap.push(delta.content) : ''
      const text = ends ? piece + overlap.flush() : piece
      begun += text
      const content = typeof delta.content === 'string' || text !== '' ? { content: text } : {}
      return { ...choice, delta: { ...delta, ...content } }
    })
    const { usage } = chunk
    const completion = (usage?.completion_tokens ?? 0) + outputTokensSoFar
    return {
      ...chunk,
      ...(transcript.id === undefined ? {} : { id: transcript.id }),
      ...(choices === undefined ? {} : { choices }),
      ...(usage == null
        ? {}
        : {
            usage: {
              ...usage,
              completion_tokens: completion,
              total_tokens: completion + (usage.prompt_tokens ?? 0),
            },
          }),
    }
  }

  return {
    get text() {
      return begun
    },
    read({ data }: SseEvent): string {
      if (isDone(data)) return 'data: [DONE]\n\n'
      const chunk = parseEvent(data)
      return chunk === undefined ? '' : `data: ${JSON.stringify(spliced(chunk as Chunk))}\n\n`
    },
  }
}

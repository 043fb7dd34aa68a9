import type { Transcript } from '@spillway/middleware/kit'
import type { SseEvent } from '@spillway/wire'
import { textSoFar } from './continuation.ts'
import { OverlapFilter } from './overlap.ts'
import { parseEvent, type Splice } from './splice.ts'

type Data = {
  readonly type?: string
  readonly index?: number
  readonly content_block?: { readonly type?: string; readonly text?: string }
  readonly delta?: { readonly type?: string; readonly text?: string }
  readonly usage?: { readonly output_tokens?: number }
}

/** Where a block of the continuation goes; undefined for one that is left out. */
type Place = { readonly index: number; readonly isText: boolean } | undefined

/**
 * Re-serialises a second Anthropic stream so that it goes on where the first broke off: its first text flows into the
 * text block that is open, all further blocks get the indices that follow on, and its `message_start` is left out. Its
 * thinking is left out too, since its signature would not fit the conversation.
 */
export function anthropicSplice(transcript: Transcript, outputTokensSoFar: number): Splice {
  const overlap = new OverlapFilter(textSoFar(transcript))
  const places = new Map<number, Place>()
  let open = transcript.blocks.find(({ isOpen }) => isOpen)?.index
  let next = Math.max(-1, ...transcript.blocks.map(({ index }) => index)) + 1
  let begun = ''

  const close = (): string => {
    if (open === undefined) return ''
    const text = overlap.flush()
    const stop = { type: 'content_block_stop', index: open }
    const last = text === '' ? '' : textDelta(open, text)
    open = undefined
    return last + event(stop)
  }

  const start = (data: Data): string => {
    const block = data.content_block ?? {}
    if (block.type === 'thinking' || block.type === 'redacted_thinking') {
      places.set(data.index as number, undefined)
      return ''
    }
    const isText = block.type === 'text'
    if (isText && open !== undefined) {
      places.set(data.index as number, { index: open, isText })
      return block.text ? delta(open, block.text) : ''
    }
    const closing = close()
    open = next++
    places.set(data.index as number, { index: open, isText })
    return closing + event({ ...data, index: open })
  }

  const delta = (index: number, piece: string): string => {
    const text = overlap.push(piece)
    begun += text
    return text === '' ? '' : textDelta(index, text)
  }

  return {
    get text() {
      return begun
    },
    read(read: SseEvent): string {
      const data = parseEvent(read.data) as Data | undefined
      if (data === undefined) return ''
      switch (data.type) {
        case 'message_start':
          return ''
        case 'content_block_start':
          return start(data)
        case 'content_block_delta': {
          const place = places.get(data.index as number)
          if (place === undefined) return ''
          if (place.isText && data.delta?.type === 'text_delta')
            return delta(place.index, data.delta.text ?? '')
          return event({ ...data, index: place.index })
        }
        case 'content_block_stop':
          return places.get(data.index as number) === undefined ? '' : close()
        case 'message_delta': {
          const closing = close()
          const usage = { output_tokens: (data.usage?.output_tokens ?? 0) + outputTokensSoFar }
          return closing + event({ ...data, usage })
        }
        default:
          return event(data)
      }
    },
  }
}

function textDelta(index: number, text: string): string {
  return event({ type: 'content_block_delta', index, delta: { type: 'text_delta', text } })
}

function event(data: Data | { type: string; [key: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}

import type { Dice } from './dice.ts'
import type { AnswerEvent } from './valid-answers.ts'

/** Drops, repeats, moves, adds or renames an event of a stream, or ends the stream at it. */
export function changeEvents(events: AnswerEvent[], dice: Dice): void {
  if (events.length === 0) return
  const at = dice.int(events.length)
  const event = events[at] as AnswerEvent
  switch (dice.int(7)) {
    case 0:
      events.splice(at, 1)
      return
    case 1:
      events.splice(at, 0, ...Array.from({ length: dice.size(1, 50) }, () => event))
      return
    case 2:
      events.push(...events.splice(at, 1))
      return
    case 3:
      events.splice(
        at,
        0,
        dice.pick<AnswerEvent>([
          { name: 'unknown_event', data: { type: 'unknown_event', x: 1 } },
          { name: 'ping', data: { type: 'ping' } },
          { name: undefined, data: {} },
          { name: undefined, data: null },
          { name: undefined, data: '[DONE]' },
          { name: 'message_stop', data: { type: 'message_stop' } },
          { name: 'message_start', data: { type: 'message_start', message: {} } },
          {
            name: 'content_block_start',
            data: { type: 'content_block_start', index: 99, content_block: { type: 'new_kind' } },
          },
          {
            name: 'content_block_delta',
            data: { type: 'content_block_delta', index: 5, delta: { type: 'text_delta', text: 'x' } },
          },
          { name: 'error', data: { type: 'error', error: null } },
        ]),
      )
      return
    case 4:
      events[at] = { name: dice.pick([undefined, 'message_stop', 'error', 'x', '']), data: event.data }
      return
    case 5:
      events.length = at
      return
    default: {
      const other = dice.int(events.length)
      events[at] = events[other] as AnswerEvent
      events[other] = event
    }
  }
}

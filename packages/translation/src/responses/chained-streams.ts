import type { Failure } from '@spillway/middleware'
import { mergeLosses } from '../protocols/loss.ts'
import type { StreamTranslation } from '../protocols/stream-translation.ts'

/** Two translations one behind the other: the second reads the events of a message that the first sends. */
export function chained(first: StreamTranslation, second: StreamTranslation): StreamTranslation {
  const pass = (text: string): string => {
    let out = ''
    for (const event of text.split('\n\n')) {
      const data = event.indexOf('\ndata: ')
      if (event.startsWith('event: ') && data > 0) {
        out += second.read({
          name: event.slice('event: '.length, data),
          data: event.slice(data + '\ndata: '.length),
        })
      } else if (event.startsWith(':')) out += `${event}\n\n`
    }
    return out
  }
  return {
    get place() {
      return second.place
    },
    get degraded() {
      return mergeLosses(first.degraded, second.degraded)
    },
    read: (event) => pass(first.read(event)),
    finish: () => pass(first.finish()) + second.finish(),
    fail: (failure: Failure) => second.fail(failure),
  }
}

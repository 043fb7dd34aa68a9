import { type Middleware, named } from '@spillway/middleware'

/** Counts calls from their start to their outcome, so that what serves them is closed when the last one has ended. */
export class CallsInFlight {
  #count = 0
  #whenNone: (() => void) | undefined

  readonly middleware: Middleware = named<Middleware>(
    (next) => async (request) => {
      this.#count++
      try {
        const response = await next(request)
        response.outcome.then(this.#end, this.#end)
        return response
      } catch (error) {
        this.#end()
        throw error
      }
    },
    'calls in flight',
    { hidden: true },
  )

  /** Calls back once, when no call is in flight. No more calls may come. */
  whenNone(callback: () => void): void {
    this.#whenNone = callback
    if (this.#count === 0) callback()
  }

  readonly #end = (): void => {
    this.#count--
    if (this.#count === 0) this.#whenNone?.()
  }
}

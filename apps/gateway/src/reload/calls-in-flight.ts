import { type Middleware, named } from '@spillway/middleware'

/** Counts calls from their start to their outcome, so that what serves them is closed when the last one has ended. */
export class CallsInFlight {
  #count = 0
  #isOver = false
  readonly #ended = Promise.withResolvers<void>()

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

  /** No more calls may come. Resolves when none is in flight. */
  end(): Promise<void> {
    this.#isOver = true
    if (this.#count === 0) this.#ended.resolve()
    return this.#ended.promise
  }

  readonly #end = (): void => {
    this.#count--
    if (this.#count === 0 && this.#isOver) this.#ended.resolve()
  }
}

import { withDefaults } from '@spillway/middleware/kit'
export interface AdaptiveConcurrencyOptions {
  /**
   * The initial limit, in calls in flight.
   * @default 20
   */
  readonly initial?: number
  /**
   * The limit never goes below this.
   * @default 1
   */
  readonly min?: number
  /**
   * The limit never goes above this.
   * @default 200
   */
  readonly max?: number
  /**
   * How many times the unloaded time to the first token counts as unloaded still.
   * @default 1.2
   */
  readonly tolerance?: number
  /**
   * How long a measured unloaded time holds, in milliseconds. Then the limit is halved for one round, to measure it again.
   * @default 60000
   */
  readonly measureEvery?: number
}

/** The defaults of {@link AdaptiveConcurrencyOptions}. */
export const adaptiveConcurrencyDefaults: Required<AdaptiveConcurrencyOptions> = {
  initial: 20,
  min: 1,
  max: 200,
  tolerance: 1.2,
  measureEvery: 60_000,
}

/** One call that ended well. Times in milliseconds of one clock. */
export interface GradientSample {
  /** When it was admitted. */
  readonly admittedAt: number
  /** How many calls were in flight then, itself included. */
  readonly inFlight: number
  /** From its sending to its first content; undefined where unknown (an answer that comes in one piece). */
  readonly firstContentMs: number | undefined
}

/** A round ends with so many samples, or with as many as the limit, where that is more. */
const leastSamples = 10

/** How far a round moves the limit to where it would have it. */
const smoothing = 0.5

/** What a sign of overload leaves of the limit. */
const backOff = 0.8

/**
 * Finds how many calls may be in flight from how long their first token takes: samples in, limit out.
 *
 * The rule is that of Netflix's concurrency-limits (`Gradient2Limit`), for a round of samples at a time:
 * `gradient = tolerance * unloaded / median`, held within [0.5, 1], and `limit = gradient * limit + sqrt(limit)`, smoothed.
 * Its long moving average drifts: where overload lasts, overload becomes the measure. As in Envoy's adaptive concurrency
 * filter the unloaded time is measured instead, again and again, in a round with half the limit.
 *
 * A round takes only calls that were admitted after it began, and so under its limit.
 */
export class Gradient {
  readonly #options: Required<AdaptiveConcurrencyOptions>
  #limit: number
  #unloaded = Infinity
  /** When the unloaded time was measured last. */
  #measuredAt = -Infinity
  #isMeasuring = false
  #roundBegan = -Infinity
  #droppedAt = -Infinity
  #count = 0
  #peak = 0
  #times: number[] = []

  /** @throws RangeError for options out of range */
  constructor(options: AdaptiveConcurrencyOptions = {}) {
    const settings = withDefaults(adaptiveConcurrencyDefaults, options)
    const { initial, min, max, tolerance, measureEvery } = settings
    const check = (name: keyof AdaptiveConcurrencyOptions, holds: boolean, must: string): void => {
      if (holds) return
      throw new RangeError(`rateLimit.adaptiveConcurrency.${name} must be ${must}, but is ${settings[name]}`)
    }
    check('min', min >= 1, '1 or more')
    check('max', max >= min && max < Infinity, '`min` or more')
    check('initial', initial >= min && initial <= max, 'between `min` and `max`')
    check('tolerance', tolerance >= 1, '1 or more')
    check('measureEvery', measureEvery > 0, 'more than 0')
    this.#options = settings
    this.#limit = initial
  }

  /** How many calls may be in flight: a whole number within [min, max]. */
  get limit(): number {
    const { min } = this.#options
    const least = Math.ceil(min)
    return Math.max(least, Math.floor(this.#isMeasuring ? this.#limit / 2 : this.#limit))
  }

  /** A call ended well at `now`. */
  sample({ admittedAt, inFlight, firstContentMs }: GradientSample, now: number): void {
    if (admittedAt < this.#roundBegan) return
    this.#count++
    this.#peak = Math.max(this.#peak, inFlight)
    if (firstContentMs !== undefined) this.#times.push(firstContentMs)
    if (this.#count >= Math.max(leastSamples, this.limit)) this.#endRound(now)
  }

  /**
   * A call that was admitted at `admittedAt` met overload. Many do at a time: those that were in flight already when
   * the limit went down say nothing new.
   */
  drop(admittedAt: number, now: number): void {
    if (admittedAt < this.#droppedAt) return
    this.#droppedAt = now
    this.#isMeasuring = false
    this.#set(this.#limit * backOff)
    this.#beginRound(now)
  }

  #endRound(now: number): void {
    const { tolerance, measureEvery } = this.#options
    const isUnloaded = this.#isMeasuring || this.#peak * 2 < this.#limit
    const isTimed = this.#times.length > 0
    const median = isTimed ? medianOf(this.#times) : Infinity
    const isOld = now - this.#measuredAt >= measureEvery
    if (isTimed && (median <= this.#unloaded || (isUnloaded && isOld))) {
      this.#unloaded = median
      this.#measuredAt = now
    }
    if (!isUnloaded) {
      // Answers without a time, and those that took none, say only that there is no overload.
      const gradient = isTimed && median > 0 ? clamp((tolerance * this.#unloaded) / median, 0.5, 1) : 1
      const wanted = gradient * this.#limit + Math.sqrt(this.#limit)
      this.#set(this.#limit + smoothing * (wanted - this.#limit))
    }
    this.#isMeasuring = isTimed && now - this.#measuredAt >= measureEvery
    this.#beginRound(now)
  }

  #set(limit: number): void {
    this.#limit = clamp(limit, this.#options.min, this.#options.max)
  }

  #beginRound(now: number): void {
    this.#roundBegan = now
    this.#count = 0
    this.#peak = 0
    this.#times = []
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] as number
}

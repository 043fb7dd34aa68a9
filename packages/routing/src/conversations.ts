import { hash32, mix32, RecentMap } from '@spillway/middleware/kit'
import type { Endpoint } from './endpoint.ts'

/**
 * Where conversations are at home. By rendezvous hashing (Thaler and Ravishankar, 1998), weighted: each endpoint draws a
 * score for each conversation, and the highest wins. So the home of a conversation follows from its key, whoever asks and
 * however many there are, and an endpoint that comes or goes moves no conversation between the others. Only those that
 * live elsewhere are remembered, by a hash of 32 bits: a map holds such integers without an object for each. Of 25,000 that
 * moved, one in 170,000 others has the hash of one, and is sent where that one is.
 */
export class Conversations {
  readonly #endpoints: readonly Endpoint[]
  readonly #seeds: readonly number[]
  readonly #moved: RecentMap<Endpoint, number>
  #lastKey: string | undefined
  #lastHome: Endpoint | undefined

  /** @param most how many conversations away from home are remembered */
  constructor(endpoints: readonly Endpoint[], most: number) {
    this.#endpoints = endpoints
    this.#seeds = endpoints.map(({ name }) => hash32(name))
    this.#moved = new RecentMap(most)
  }

  /** Conversations that are remembered. */
  get size(): number {
    return this.#moved.size
  }

  /** Where a conversation is. */
  placeOf(key: string): Endpoint {
    const moved = this.#moved.size === 0 ? undefined : this.#moved.get(hash32(key))
    return moved ?? this.#homeOf(key)
  }

  /** The endpoint that suits it best among some; undefined where there are none. */
  best(key: string, isAmong: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    const hash = hash32(key)
    let best: Endpoint | undefined
    let highest = -Infinity
    for (const endpoint of this.#endpoints) {
      if (!isAmong(endpoint)) continue
      const drawn = (mix32(hash ^ (this.#seeds[endpoint.index] as number)) + 0.5) / 2 ** 32
      const score = -endpoint.weight / Math.log(drawn)
      if (score > highest) {
        best = endpoint
        highest = score
      }
    }
    return best
  }

  /** A conversation is at this endpoint from now on. */
  settle(key: string, endpoint: Endpoint): void {
    if (endpoint !== this.#homeOf(key)) this.#moved.set(hash32(key), endpoint)
    else if (this.#moved.size > 0) this.#moved.delete(hash32(key))
  }

  clear(): void {
    this.#moved.clear()
  }

  /** A call asks several times in a row. */
  #homeOf(key: string): Endpoint {
    if (this.#lastKey !== key || this.#lastHome === undefined) {
      this.#lastKey = key
      this.#lastHome = this.best(key, everyone) as Endpoint
    }
    return this.#lastHome
  }
}

const everyone = (): boolean => true

import { RecentMap } from '@spillway/middleware'
import type { RunningEndpoint } from '../endpoint.ts'

/** Who has made a batch or a file. */
export interface Owner {
  readonly target: string
  readonly endpoint: string
  /** The caller by the name of its key; undefined where it presented none, and where only the vendor was asked. */
  readonly tenant: string | undefined
  /** The batch whose results a file holds. */
  readonly resultsOf?: string | undefined
}

/** An endpoint that may own something. */
export interface Candidate {
  readonly target: string
  readonly endpoint: RunningEndpoint
}

/** Who is asked about something, and with what. */
export interface Search {
  readonly candidates: readonly Candidate[]
  /** Those of the request that names it. */
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** Things whose owner is known, and endpoints that are asked about one whose owner is not. */
const mostKnown = 100_000
const mostAsked = 20

/** Which endpoint a batch or a file belongs to: as it was seen when it was made, else as the endpoints say that are asked. */
export class Owners {
  readonly #known = new RecentMap<Owner>(mostKnown)

  of(id: string): Owner | undefined {
    return this.#known.get(id)
  }

  learn(id: string, owner: Owner): void {
    const known = this.#known.get(id)
    // Whoever has made it stays its owner, whoever reads it.
    this.#known.set(
      id,
      known === undefined ? owner : { ...known, resultsOf: known.resultsOf ?? owner.resultsOf },
    )
  }

  forget(id: string): void {
    this.#known.delete(id)
  }

  /**
   * Asks the endpoints, all at a time; after a restart nothing else is known. The first that has it is its owner.
   * @param signal ends all of it
   * @returns `unknown` where all have answered that they have it not, and `silent` where some have not answered
   */
  async find(
    id: string,
    path: string,
    { candidates, headers, signal }: Search,
  ): Promise<Candidate | 'unknown' | 'silent'> {
    const found = new AbortController()
    const ending = AbortSignal.any([signal, found.signal])
    const asked = candidates.slice(0, mostAsked).map(async (candidate) => {
      const status = await candidate.endpoint.readAs?.(path, headers, ending).then(
        (answer) => answer.status,
        () => undefined,
      )
      if (status === 200) return candidate
      throw status === undefined || status >= 500 || status === 429 ? 'silent' : 'unknown'
    })
    try {
      const candidate = await Promise.any(asked)
      this.learn(id, { target: candidate.target, endpoint: candidate.endpoint.name, tenant: undefined })
      return candidate
    } catch (error) {
      return (error as AggregateError).errors.includes('silent') ? 'silent' : 'unknown'
    } finally {
      found.abort()
    }
  }
}

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

  /** Asks the endpoints one after the other; after a restart nothing else is known. */
  async find(
    id: string,
    path: string,
    candidates: readonly Candidate[],
    headers: Readonly<Record<string, string>>,
  ): Promise<Candidate | undefined> {
    for (const candidate of candidates.slice(0, mostAsked)) {
      const answer = await candidate.endpoint.readAs?.(path, headers).catch(() => undefined)
      if (answer?.status !== 200) continue
      this.learn(id, { target: candidate.target, endpoint: candidate.endpoint.name, tenant: undefined })
      return candidate
    }
    return undefined
  }
}

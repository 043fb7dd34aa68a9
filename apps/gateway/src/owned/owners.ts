import type { LedgerStore } from '@spillway/ledger'
import type { Clock } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
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

/** Where owners are noted for other gateways, and for the time after a restart. */
export type OwnerNotes = Pick<LedgerStore, 'noteOwner' | 'owner' | 'forgetOwner'>

/**
 * Which endpoint a batch or a file belongs to: as it was seen when it was made, here or by another gateway of the same database,
 * else as the endpoints say that are asked. A database that is unavailable is done without.
 */
export class Owners {
  readonly #known = new RecentMap<Owner>(mostKnown)
  readonly #notes: OwnerNotes | undefined
  readonly #clock: Pick<Clock, 'epoch'>

  constructor(clock: Pick<Clock, 'epoch'>, notes?: OwnerNotes) {
    this.#clock = clock
    this.#notes = notes
  }

  async of(id: string): Promise<Owner | undefined> {
    const known = this.#known.get(id)
    if (known !== undefined || this.#notes === undefined) return known
    const noted = await this.#notes.owner(id).catch(() => undefined)
    if (noted === undefined) return undefined
    const { target, endpoint, tenant, results_of: of } = noted
    const owner = { target, endpoint, tenant: tenant ?? undefined, resultsOf: of ?? undefined }
    this.#known.set(id, owner)
    return owner
  }

  /** For what has been seen to be made, and for files with results. */
  learn(id: string, owner: Owner): void {
    const known = this.#known.get(id)
    // Whoever has made it stays its owner, whoever reads it.
    const now = known === undefined ? owner : { ...known, resultsOf: known.resultsOf ?? owner.resultsOf }
    if (known !== undefined && known.resultsOf === now.resultsOf) return
    this.#known.set(id, now)
    const { target, endpoint, tenant, resultsOf } = now
    const at = Math.round(this.#clock.epoch())
    this.#notes
      ?.noteOwner({ id, target, endpoint, tenant: tenant ?? null, results_of: resultsOf ?? null, at })
      .catch(() => {})
  }

  forget(id: string): void {
    this.#known.delete(id)
    this.#notes?.forgetOwner(id).catch(() => {})
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
      // Not noted: it was not seen who made it.
      const { target, endpoint } = candidate
      this.#known.set(id, { target, endpoint: endpoint.name, tenant: undefined })
      return candidate
    } catch (error) {
      return (error as AggregateError).errors.includes('silent') ? 'silent' : 'unknown'
    } finally {
      found.abort()
    }
  }
}

import type { CircuitBreaker, CircuitChange, CircuitScope } from '@spillway/circuit-breaker-fallback'
import type { CircuitView } from '@spillway/gateway-api'

/** A change and when it was, in milliseconds since the Unix epoch. */
type DatedChange = CircuitChange & { readonly at: number }

/** Changes that are kept of each endpoint's circuits. */
const longestHistory = 100

/** The circuits of one endpoint with their latest changes. */
export class CircuitHistory {
  readonly #breaker: CircuitBreaker
  #changes: DatedChange[] = []

  /** `onChange` hears of a circuit after each change. */
  constructor(breaker: CircuitBreaker, onChange: (circuit: CircuitView) => void) {
    this.#breaker = breaker
    breaker.onChange((change) => {
      this.#changes = [...this.#changes.slice(1 - longestHistory), { ...change, at: Date.now() }]
      const [circuit] = this.circuits((key, scope) => key === change.key && scope === change.scope)
      if (circuit !== undefined) onChange({ ...circuit, state: change.to })
    })
  }

  circuits(isWanted?: (key: string, scope: CircuitScope) => boolean): CircuitView[] {
    return this.#breaker.states(isWanted).map(({ key, scope, state, forced, since, failureRate }) => ({
      ...{ key, scope, forced },
      since: Math.round(since),
      state,
      failureRate: failureRate ?? null,
      history: this.#changes
        .filter((change) => change.key === key && change.scope === scope)
        .map(({ at, from, to, reason }) => ({ at, from, to, reason })),
    }))
  }
}

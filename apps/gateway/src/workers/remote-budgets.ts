import { type BudgetStore, type Meter, type MeterDemand, type MeterState, periodAt } from '@spillway/budgets'
import type { Clock } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
import {
  chargeBudgets,
  extendBudget,
  openBudgetMeters,
  readBudgets,
  reserveBudget,
  settleBudget,
} from './budgets-protocol.ts'
import type { PrimaryLink } from './primary-link.ts'

/** What a worker knows of a meter. */
interface Known {
  state: MeterState
  /** What this worker has admitted by itself since the primary's last word, and what it has charged. */
  here: number
}

/** A reservation of this worker. */
interface Held {
  readonly meters: readonly Meter[]
  readonly amounts: number[]
  /** Whether the primary knows of it. */
  readonly isShared: boolean
}

/** Meters that are known at most; of others a worker without the primary knows only its share. */
const mostKnown = 10_000

/** Reservations that are remembered at most: more than calls in flight. */
const mostHeld = 100_000

/** Budgets over workers, and whether the primary knows all that this one does. */
export interface RemoteBudgets extends BudgetStore {
  /** Resolves when it does, or does not answer. */
  flush(): Promise<void>
}

/**
 * Budgets that the primary counts for all workers. While it does not answer, this worker admits its share of what was left by the primary's
 * last word; what it uses goes to the primary all the same, which reads it when it is back.
 */
export function remoteBudgets(
  link: PrimaryLink,
  { processes, clock }: { readonly processes: number; readonly clock: Clock },
): RemoteBudgets {
  const known = new RecentMap<Known>(mostKnown)
  const held = new RecentMap<Held>(mostHeld)

  const knownOf = ({ name, period }: Meter): Known => {
    const now = clock.epoch()
    let found = known.get(name)
    if (found === undefined || found.state.resetsAt <= now) {
      const { start, end } = periodAt(period, now)
      found = { state: { used: 0, reserved: 0, startsAt: start, resetsAt: end }, here: 0 }
      known.set(name, found)
    }
    return found
  }
  const learn = (meters: readonly Meter[], states: readonly MeterState[]): readonly MeterState[] => {
    meters.forEach(({ name }, index) => {
      const state = states[index]
      // A settlement may be of a period that is over.
      const isOver = state === undefined || state.resetsAt <= clock.epoch()
      if (!isOver) known.set(name, { state, here: 0 })
    })
    return states
  }
  const statesOf = (meters: readonly Meter[]): readonly MeterState[] =>
    meters.map((meter) => {
      const { state, here } = knownOf(meter)
      return { ...state, used: state.used + here }
    })
  const use = (meters: readonly Meter[], amounts: readonly number[]): void => {
    meters.forEach((meter, index) => {
      knownOf(meter).here += amounts[index] ?? 0
    })
  }
  const fits = (demand: MeterDemand): boolean => {
    if (demand.limit === undefined) return true
    const { state, here } = knownOf(demand)
    return here + demand.expected <= Math.floor((demand.limit - state.used - state.reserved) / processes)
  }
  const reserveHere = (
    id: string,
    demands: readonly MeterDemand[],
  ): Awaited<ReturnType<BudgetStore['reserve']>> => {
    const refused = demands.findIndex((demand) => !fits(demand))
    if (refused >= 0) return { states: statesOf(demands), refusedBy: refused }
    const amounts = demands.map(({ most }) => most)
    use(demands, amounts)
    held.set(id, { meters: demands.map(meterOf), amounts, isShared: false })
    return { states: statesOf(demands), refusedBy: undefined }
  }
  const read = async (meters: readonly Meter[]): Promise<readonly MeterState[]> => {
    if (link.status === 'local') return statesOf(meters)
    try {
      return learn(meters, await link.ask(readBudgets, meters))
    } catch {
      return statesOf(meters)
    }
  }

  /** Whether the answer comes in time or not, the primary does it once. */
  const settleLater = (id: string, amounts: readonly number[]): Promise<readonly MeterState[]> =>
    link.ask(settleBudget, [id, amounts], { isKept: true }).catch(() => [])

  return {
    async reserve(id, demands) {
      if (link.status === 'local') return reserveHere(id, demands)
      try {
        const taken = await link.ask(reserveBudget, [id, demands])
        learn(demands, taken.states)
        if (taken.refusedBy === undefined)
          held.set(id, {
            meters: demands.map(meterOf),
            amounts: demands.map(({ most }) => most),
            isShared: true,
          })
        return taken
      } catch {
        // It may have been reserved too late.
        void settleLater(id, [])
        return reserveHere(id, demands)
      }
    },
    extend(id, amounts) {
      const reservation = held.get(id)
      if (reservation === undefined) return
      amounts.forEach((more, index) => {
        reservation.amounts[index] = (reservation.amounts[index] ?? 0) + more
      })
      if (reservation.isShared) link.tell(extendBudget, [id, amounts])
      else use(reservation.meters, amounts)
    },
    async settle(id, amounts) {
      const reservation = held.get(id)
      if (reservation === undefined) return []
      held.delete(id)
      const { meters, amounts: reserved, isShared } = reservation
      const isBack = link.status === 'shared'
      if (isShared) {
        const states = settleLater(id, amounts)
        const settled = isBack ? await states : []
        if (settled.length > 0) return learn(meters, settled)
      }
      // The last word counts it as reserved, or does not know of it.
      const changes = amounts.map((amount, index) => amount - (reserved[index] ?? 0))
      use(meters, changes)
      if (!isShared) link.tell(chargeBudgets, charged(meters, amounts))
      return isShared ? statesOf(meters) : read(meters)
    },
    read,
    async charge(charges) {
      use(
        charges,
        charges.map(({ amount }) => amount),
      )
      link.tell(chargeBudgets, charges)
      return read(charges.map(meterOf))
    },
    open(openings) {
      for (const opening of openings) {
        const found = knownOf(opening)
        if (found.state.used === 0) found.state = { ...found.state, used: opening.amount }
      }
      link.tell(openBudgetMeters, openings)
    },
    async flush() {
      await read([])
    },
  }
}

const meterOf = ({ name, period }: Meter): Meter => ({ name, period })

function charged(meters: readonly Meter[], amounts: readonly number[]): (Meter & { amount: number })[] {
  return meters.map((meter, index) => ({ ...meter, amount: amounts[index] ?? 0 }))
}

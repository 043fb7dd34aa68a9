import { setTimeout as pause } from 'node:timers/promises'
import { mostInAMinute, perMinute } from '../shared-limits/figures.ts'
import { budgets, callsOfABudget, limits } from './config.ts'
import { type Figure, within } from './figure.ts'
import type { Load, Source } from './load.ts'
import { type TargetName, tokensOfACall, usdOfACall } from './vendor.ts'
import type { World } from './world.ts'

/** How much more comes than limits and budgets let through. */
const overload = 5

/** How long limits and budgets are under that load, in seconds: whole minutes have to be in there. */
const longEnough = 75

/** In which the calls come that would use up a budget five times, in seconds. */
const budgetTime = 60

const rateOfABudget = (overload * callsOfABudget) / budgetTime

/** Requests and tokens a minute, and the budgets of keys and teams, all at five times their load. */
export async function overloadLimits(
  { world, load }: { readonly world: World; readonly load: Load },
  progress: (text: string) => void,
): Promise<Figure[]> {
  const from = performance.now()
  const inAMinute = limits.requests / 60
  const ofBudgets: Source[] = budgets.map(({ clients }) => ({
    rate: rateOfABudget,
    target: 'calls',
    clients,
  }))
  load.offer([
    { rate: overload * inAMinute, target: 'requests', clients: ['all'] },
    { rate: overload * inAMinute, target: 'tokens', clients: ['all'] },
    ...ofBudgets,
  ])
  for (let second = 0; second < longEnough; second++) {
    progress(`limits and budgets at ${overload} times their load, ${second} of ${longEnough} s`)
    await pause(1_000)
  }
  const until = performance.now()
  load.offer([])
  await load.idle()
  const figures: Figure[] = []
  for (const target of ['requests', 'tokens'] as const) {
    const times = timesOf(world, target, from)
    const weight = target === 'tokens' ? limits.tokens / limits.requests : 1
    const what = target === 'requests' ? 'requests a minute' : 'tokens of input a minute'
    const least = Math.min(...perMinute(times, until))
    figures.push(
      within(`${what}: the most in any 60 s`, mostInAMinute(times) * weight, limits[target], 'above'),
    )
    figures.push(within(`${what}: the fewest in a whole minute`, least * weight, limits[target], 'below'))
  }
  for (const { of, unit, amount, clients } of budgets) {
    const calls = callsServed(world, load, clients)
    const worth = { requests: 1, tokens: tokensOfACall, usd: usdOfACall }[unit]
    figures.push(within(`budget of ${of} in ${unit}`, calls * worth, amount))
  }
  return figures
}

/** A budget of all together in USD, which a reload brings and takes away, begins with what was used before. */
export async function overloadWhole(
  { world, load }: { readonly world: World; readonly load: Load },
  version: number,
  progress: (text: string) => void,
): Promise<Figure[]> {
  const served = (): number => world.vendor.requests.filter(({ isServed }) => isServed).length
  const before = served()
  world.configure({ version, usd: (before + callsOfABudget) * usdOfACall })
  // Where a file is followed, a change holds within a second or two.
  await pause(3_000)
  load.offer([{ rate: (overload * callsOfABudget) / 20, target: 'calls', clients: ['whole'] }])
  for (let second = 0; second < 20; second++) {
    progress(`a budget of all in USD at ${overload} times its load, ${second} of 20 s`)
    await pause(1_000)
  }
  load.offer([])
  await load.idle()
  const figure = within(
    'budget of all in usd, beside what was used before',
    (served() - before) * usdOfACall,
    callsOfABudget * usdOfACall,
  )
  world.configure({ version: version + 1 })
  await pause(3_000)
  return [figure]
}

/** That neither limit nor budget was exceeded until now, whatever has happened. */
export function limitsSoFar(world: World, load: Load): Figure[] {
  const figures = (['requests', 'tokens'] as const).map((target) => {
    const weight = target === 'tokens' ? limits.tokens / limits.requests : 1
    const most = mostInAMinute(timesOf(world, target, 0)) * weight
    const what = target === 'requests' ? 'requests' : 'tokens of input'
    return within(
      `${what} a minute: the most in any 60 s, all trouble included`,
      most,
      limits[target],
      'above',
    )
  })
  for (const { of, unit, amount, clients } of budgets) {
    const worth = { requests: 1, tokens: tokensOfACall, usd: usdOfACall }[unit]
    const used = callsServed(world, load, clients) * worth
    figures.push(within(`budget of ${of} in ${unit}, all trouble included`, used, amount, 'above'))
  }
  return figures
}

function timesOf(world: World, target: TargetName, from: number): number[] {
  return world.vendor.requests.flatMap((each) => (each.target === target && each.at >= from ? each.at : []))
}

function callsServed(world: World, load: Load, clients: readonly string[]): number {
  const calls = new Set(load.seen.filter(({ client }) => clients.includes(client)).map(({ call }) => call))
  return world.vendor.requests.filter(({ call, isServed }) => isServed && calls.has(call)).length
}

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { quantileOf } from '../slope.ts'
import { checkBooks } from './books.ts'
import { callFigures, isWrong, wasKilled } from './calls.ts'
import { budgets } from './config.ts'
import { type Figure, none } from './figure.ts'
import { limitsSoFar, overloadLimits, overloadWhole } from './limits.ts'
import { type Load, type Source, startLoad } from './load.ts'
import { type Scene, type Trouble, troubles } from './trouble.ts'
import { openWorld, type World } from './world.ts'

export interface FleetOptions {
  readonly gateways: number
  readonly workers: number
  readonly seed: number
  /** How long a piece of trouble lasts. */
  readonly seconds: number
  /** Calls a second while there is trouble. */
  readonly rate: number
  /** Names of the parts to run; undefined runs all. */
  readonly only?: readonly string[] | undefined
  /** A folder that gets what each gateway has written to stderr. */
  readonly logs?: string | undefined
  readonly progress: (text: string) => void
}

/** What became of the calls that were sent while something went on. */
export interface Phase {
  readonly name: string
  readonly calls: number
  readonly answered: number
  /** Lost in a process that was killed. */
  readonly killed: number
  /** Lost or refused otherwise, which none may be. */
  readonly wrong: number
  readonly p50: number
  readonly p99: number
}

export interface FleetResult {
  readonly phases: readonly Phase[]
  readonly figures: readonly Figure[]
}

/** The part that needs minutes: limits and budgets. */
export const limitsPart = 'limits'

/** How long all may take until nothing waits on disk any more, in milliseconds. */
const longestCatchUp = 60_000

/** Real gateways, Redis and PostgreSQL, under load, while all that can happen to them happens. */
export async function runFleet(options: FleetOptions): Promise<FleetResult> {
  const { progress, only } = options
  await using world = await openWorld(options)
  const load = startLoad({ gateways: world.gateways, keyOf: world.keyOf })
  const figures: Figure[] = []
  try {
    const scene: Scene = {
      ...{ world, load, seconds: options.seconds, kills: [], revokedAt: undefined, ends: [], version: 0 },
    }
    const hasLimits = only === undefined || only.includes(limitsPart)
    if (hasLimits) {
      figures.push(...(await overloadLimits({ world, load }, progress)))
      figures.push(...(await overloadWhole({ world, load }, ++scene.version, progress)))
      scene.version++
    }
    const phases: Phase[] = []
    for (const trouble of troubles(options.workers)) {
      if (only !== undefined && !only.includes(trouble.name)) continue
      phases.push(await go(trouble, scene, options))
    }
    await load.stop()
    figures.push(...callFigures(load, scene))
    if (hasLimits) figures.push(...limitsSoFar(world, load))
    figures.push(...(await endInOrder(world, scene, progress)))
    progress('comparing the books')
    figures.push(...(await checkBooks(world, load, scene.kills)))
    return { phases, figures }
  } finally {
    await load.stop()
    if (options.logs !== undefined)
      for (const { name, said } of world.gateways) writeFileSync(join(options.logs, `${name}.log`), said)
  }
}

/** One piece of trouble under load, and a while after it. */
async function go(trouble: Trouble, scene: Scene, { seconds, rate, progress }: FleetOptions): Promise<Phase> {
  const { load } = scene
  const from = performance.now()
  const usual: Source[] = [
    { rate: rate * 0.6, target: 'calls', clients: ['all'] },
    { rate: rate * 0.2, target: 'streams', clients: ['all'] },
    // A little more than they let through, and budgets that are spent stay so.
    { rate: 7, target: 'requests', clients: ['all'] },
    ...budgets.map(({ clients }): Source => ({ rate: 0.5, target: 'calls', clients })),
  ]
  load.offer([...usual, ...(trouble.besides ?? [])])
  let isOver = false
  const telling = (async () => {
    for (; !isOver; await pause(500)) {
      const wrong = load.seen.filter((call) => isWrong(call, scene)).length
      progress(
        `${trouble.name}, ${((performance.now() - from) / 1_000).toFixed(0)} s: ${load.sent} calls, ${load.inFlight} in flight, ${wrong} wrong`,
      )
    }
  })()
  try {
    await pause(1_000)
    await trouble.act(scene)
    await pause(seconds * 500)
  } finally {
    isOver = true
    await telling
  }
  const until = performance.now()
  load.offer(usual)
  // Streams go on for some seconds.
  await pause(longestStream)
  return phaseOf(trouble.name, load, scene, from, until)
}

/** How long a stream of the vendor's takes, in milliseconds. */
const longestStream = 7_000

function phaseOf(name: string, load: Load, scene: Scene, from: number, until: number): Phase {
  const sent = load.seen.filter(({ sentAt }) => sentAt >= from && sentAt < until)
  const answered = sent.filter(({ outcome }) => outcome === 'answered')
  // Streams take as long as the vendor does.
  const ms = answered.flatMap((each) => (each.target === 'calls' ? each.endedAt - each.sentAt : []))
  return {
    name,
    calls: sent.length,
    answered: answered.length,
    killed: sent.filter((call) => call.outcome === 'lost' && wasKilled(call, scene.kills)).length,
    wrong: sent.filter((call) => isWrong(call, scene)).length,
    p50: quantileOf(ms, 0.5),
    p99: quantileOf(ms, 0.99),
  }
}

/** Ends all gateways, and starts them again: what waits in their journals is taken over. */
async function endInOrder(world: World, scene: Scene, progress: (text: string) => void): Promise<Figure[]> {
  progress('ending all gateways, and starting them again')
  for (const gateway of world.gateways) scene.ends.push(await gateway.stop(30_000))
  for (const gateway of world.gateways) await gateway.start()
  const begun = performance.now()
  const states = new Map<string, string>()
  const isWell = async (): Promise<boolean> => {
    for (const { name, url } of world.gateways) states.set(name, await (await fetch(`${url}/readyz`)).text())
    return [...states.values()].every((text) => {
      const { status, ledger, limits } = JSON.parse(text) as Record<string, string>
      return status === 'ok' && ledger === 'ok' && limits === 'shared'
    })
  }
  let well = await isWell()
  for (; !well && performance.now() - begun < longestCatchUp; well = await isWell()) await pause(200)
  const errors = world.gateways.flatMap(({ name, said }) =>
    [...said.matchAll(/^.*(?:unhandled|uncaught|TypeError|ReferenceError| {4}at ).*$/gim)].map(
      ([text]) => `${name}: ${text}`,
    ),
  )
  const notInOrder = scene.ends.filter((end) => end !== 'exit code 0')
  return [
    none('gateways that did not end in order after SIGTERM', notInOrder, scene.ends.length),
    {
      what: 'after a restart: what /readyz says',
      wanted: 'ok, ledger ok, limits shared',
      seen: well ? `so, ${world.gateways.length} times` : [...states.values()].join(' '),
      holds: well,
    },
    none('errors that nothing has caught', errors),
  ]
}

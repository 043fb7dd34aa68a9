import { type Fault, type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import { Dice } from '../fuzz/dice.ts'
import { faultOf } from './faults.ts'

/** How many endpoints each target has; each has a key. */
export const endpoints: Readonly<Record<string, number>> = {
  claude: 3,
  translated: 1,
  fallback: 1,
  candidate: 1,
  long: 1,
}

/** Where nothing happens to attempts: the fallback, the mirror's candidate, and streams that go on for long. */
const calm: ReadonlySet<string> = new Set(['fallback', 'candidate', 'long'])

/** Pieces of a stream that goes on for long. */
const piecesOfALongStream = 30

export interface SoakUpstreams extends AsyncDisposable {
  url(target: string, number?: number): string
  /** Where new keys are tried: what comes there is no attempt of a call. */
  readonly verifier: string
  /** Whole requests, by target. */
  readonly requests: ReadonlyMap<string, number>
  /** What happened to them, by name. */
  readonly faults: ReadonlyMap<string, number>
}

/** @param streamSeconds how long streams go on that go on for long */
export async function startUpstreams(seed: number, streamSeconds: number): Promise<SoakUpstreams> {
  const requests = new Map<string, number>()
  const faults = new Map<string, number>()
  const servers = new Map<string, SimulatedServer>()
  let number = 0
  for (const [target, count] of Object.entries(endpoints)) {
    requests.set(target, 0)
    const fault = (): Fault | undefined => {
      requests.set(target, (requests.get(target) ?? 0) + 1)
      const happens = calm.has(target) ? undefined : faultOf(new Dice(seed, number++))
      if (happens !== undefined) faults.set(happens.name, (faults.get(happens.name) ?? 0) + 1)
      return happens?.fault
    }
    const start = target === 'translated' || target === 'fallback' ? startOpenRouter : startClaude
    const pace =
      target === 'long'
        ? { chunks: piecesOfALongStream, chunkDelayMs: (streamSeconds * 1_000) / piecesOfALongStream }
        : { chunks: 20, separateWrites: true }
    for (let at = 1; at <= count; at++)
      servers.set(`${target}/${at}`, await start({ record: false, ...pace, fault }))
  }
  const verifier = await startClaude({ record: false })
  servers.set('verifier', verifier)
  return {
    url: (target, at = 1) => servers.get(`${target}/${at}`)?.url ?? '',
    ...{ verifier: verifier.url, requests, faults },
    async [Symbol.asyncDispose]() {
      await Promise.all([...servers.values()].map((server) => server.close()))
    },
  }
}

import { type Fault, type RecordedRequest, type SimulatedServer, startClaude } from '@spillway/testing'
import { Dice } from '../fuzz/dice.ts'

/** What each call uses at the vendor, and what a million tokens cost there: figures that are easy to add up. */
export const usage = { inputTokens: 100, outputTokens: 20 } as const
export const tokensOfACall: number = usage.inputTokens + usage.outputTokens
export const pricePerMillion = 1_000
export const usdOfACall: number = (tokensOfACall * pricePerMillion) / 1e6

/** The targets of the fleet, by what becomes of a call there. */
export type TargetName = 'calls' | 'streams' | 'requests' | 'tokens'

/** One request as the vendor has got it. */
export interface VendorRequest {
  /** The number of its call. */
  readonly call: number
  readonly target: TargetName
  /** `performance.now()` */
  readonly at: number
  /** Whether it is answered, and not refused or failed. */
  readonly isServed: boolean
}

export interface Vendor extends AsyncDisposable {
  url(target: TargetName): string
  readonly requests: readonly VendorRequest[]
  /** Requests with a key that is not valid (any more). */
  readonly refusedKeys: number
  /** The keys that it lets in. */
  readonly keys: string[]
}

/** A share of the requests meets a 529, which the gateways repeat. */
const overloaded = 0.04

const marker = /call number (\d+)\b/

/** What the answer to a call says, by which its client knows it. */
export const answerTo = (call: number): string => `this is the answer to call ${call}`

/** Words that a stream has beyond those; every fifth one goes on for some seconds. */
const wordsOf = (call: number): number => (call % 5 === 0 ? 40 : 6)

/** Simulated vendors, a server for each target. */
export async function startVendor(seed: number): Promise<Vendor> {
  const requests: VendorRequest[] = []
  const keys: string[] = []
  const servers = new Map<TargetName, SimulatedServer>()
  let refusedKeys = 0
  const start = async (target: TargetName, more: object): Promise<void> => {
    const mayFail = target === 'calls' || target === 'streams'
    const fault = (request: RecordedRequest): Fault | undefined => {
      const isLetIn = keys.includes(request.headers['x-api-key'] ?? '')
      if (!isLetIn) refusedKeys++
      const call = callOf(request)
      const fails = mayFail && new Dice(seed, requests.length).chance(overloaded)
      // A key that is verified is presented with a call that is nobody's.
      if (call !== undefined)
        requests.push({ call, target, at: performance.now(), isServed: isLetIn && !fails })
      return isLetIn && fails ? { type: 'status', status: 529 } : undefined
    }
    const reply = (request: RecordedRequest) => {
      const call = callOf(request) ?? 0
      return { text: answerTo(call) + ' word'.repeat(target === 'streams' ? wordsOf(call) : 0), usage }
    }
    servers.set(target, await startClaude({ record: false, apiKeys: keys, fault, reply, ...more }))
  }
  await start('calls', { latencyMs: 20 })
  await start('streams', { chunkDelayMs: 120 })
  await start('requests', {})
  await start('tokens', {})
  return {
    url: (target) => servers.get(target)?.url ?? '',
    requests,
    get refusedKeys() {
      return refusedKeys
    },
    keys,
    async [Symbol.asyncDispose]() {
      await Promise.all([...servers.values()].map((server) => server.close()))
    },
  }
}

function callOf({ body }: RecordedRequest): number | undefined {
  const found = marker.exec(Buffer.from(body).toString('latin1'))?.[1]
  return found === undefined ? undefined : Number(found)
}

/** The prompt of a call: as many tokens as the vendor says, a quarter of its characters. */
export function promptOf(call: number): string {
  return `call number ${call} `.padEnd(usage.inputTokens * 4, 'about the dam ')
}

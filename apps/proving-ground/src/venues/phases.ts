import { type Fault, type SimulatedServer, venueFaults } from '@spillway/testing'

/** The places of the target, by the names of its endpoints. */
export type VenueName = 'direct' | 'bedrock' | 'vertex' | 'foundry'

/** A time in which something goes wrong at one of them, or no longer does. */
export interface Phase {
  readonly name: string
  readonly venue: VenueName | undefined
  readonly fault: Fault | undefined
  /** How long it takes, beside the others. */
  readonly length: number
}

const slow: Fault = { type: 'slow-first-token', ms: 1_500 }
const dead: Fault = { type: 'reset' }

/** Each trouble of each venue, in its own words. */
const troubles: Readonly<Record<VenueName, readonly (readonly [string, Fault])[]>> = {
  direct: [
    ['throttled', { type: 'status', status: 429, retryAfter: 1 }],
    ['overloaded', { type: 'status', status: 529 }],
    [
      'out of credit',
      { type: 'status', status: 400, message: 'Your credit balance is too low to access the API' },
    ],
  ],
  bedrock: [
    ['throttled', venueFaults.bedrock.throttledWithoutHeaders],
    ['over its quota', venueFaults.bedrock.quotaExceeded],
    ['not in the region', venueFaults.bedrock.onDemandNotSupported],
    ['not granted', venueFaults.bedrock.accessNotGranted],
    ['damaged', { type: 'damage', part: 'prelude', afterChunks: 0 }],
  ],
  vertex: [
    ['throttled', venueFaults.vertex.tokenQuotaInList],
    ['not in the region', venueFaults.vertex.modelNotFound],
    ['away', venueFaults.vertex.loadBalancer],
  ],
  foundry: [
    ['throttled', venueFaults.foundry.throttledByFront],
    ['without deployment', venueFaults.foundry.deploymentNotFound],
    ['away', venueFaults.foundry.frontDoor],
  ],
}

/** Each trouble of each venue in turn, after which it is well again for twice as long. */
export function phases(): Phase[] {
  const each = Object.entries(troubles).flatMap(([name, own]): Phase[] => {
    const venue = name as VenueName
    const bad = [...own, ['slow', slow] as const, ['dead', dead] as const]
    const back = { name: `${venue} back`, venue, fault: undefined, length: 2 }
    return [...bad.map(([what, fault]) => ({ name: `${venue} ${what}`, venue, fault, length: 1 })), back]
  })
  const well = { venue: undefined, fault: undefined }
  return [{ ...well, name: 'all well', length: 1 }, ...each, { ...well, name: 'all back', length: 2 }]
}

/** Begins a phase: one server has its fault, the others have none. */
export function begin({ venue, fault }: Phase, servers: Readonly<Record<VenueName, SimulatedServer>>): void {
  for (const [name, server] of Object.entries(servers)) server.always(name === venue ? fault : undefined)
}

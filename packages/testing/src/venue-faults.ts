import { type BedrockFaultName, bedrockFaults, notForThisAccount } from './bedrock-faults.ts'
import { spendLimit } from './claude-aws.ts'
import type { Fault, StatusFault } from './fault.ts'
import { type FoundryFaultName, foundryFaults } from './foundry-faults.ts'
import { signatureMismatch } from './signature-v4.ts'
import { type VertexFaultName, vertexFaults } from './vertex-faults.ts'

/** Faults of the places where Claude is sold, by name. */
export interface VenueFaults {
  readonly bedrock: Readonly<Record<BedrockFaultName, Fault>>
  readonly mantle: Readonly<Record<'throttled' | 'notGranted' | 'modelNotFound' | 'internal', StatusFault>>
  readonly claudeAws: Readonly<Record<'spendLimit' | 'badSignature', StatusFault>>
  readonly vertex: Readonly<Record<VertexFaultName, StatusFault>>
  readonly foundry: Readonly<Record<FoundryFaultName, StatusFault>>
}

const status = (code: number, message?: string): StatusFault => ({
  type: 'status',
  status: code,
  ...(message !== undefined && { message }),
})

/** Faults of the places where Claude is sold, in the words of each, for `next` and `always` of its simulated server. */
export const venueFaults: VenueFaults = {
  bedrock: bedrockFaults,
  mantle: {
    throttled: status(429, 'Too many tokens, please wait before trying again.'),
    notGranted: status(403, notForThisAccount),
    modelNotFound: status(404, "The model 'anthropic.claude-opus-5' does not exist"),
    internal: status(500),
  },
  claudeAws: {
    spendLimit: status(400, spendLimit),
    badSignature: status(401, signatureMismatch),
  },
  vertex: vertexFaults,
  foundry: foundryFaults,
}

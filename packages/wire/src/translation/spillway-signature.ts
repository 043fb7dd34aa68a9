import type { JsonObject } from '@spillway/middleware'
import { parseBounded } from '../bounded-json.ts'
import { field, stringField } from '../usage.ts'

/**
 * What the signature of a thinking block begins with that no Claude has signed. Such a block is never sent to Claude,
 * which would refuse the whole conversation.
 */
export const spillwayMark = 'spillway:'

/** What servers of the OpenAI shape say of their reasoning, for the way back: OpenRouter's `reasoning_details`. */
export type ReasoningDetails = readonly JsonObject[]

/** A signature for thinking that came from elsewhere. It carries what its origin wants back; the history is the store. */
export function spillwaySignature(details: ReasoningDetails = []): string {
  if (details.length === 0) return `${spillwayMark}1`
  return `${spillwayMark}1:${Buffer.from(JSON.stringify(details)).toString('base64url')}`
}

/** Whether a thinking block is of Spillway's making. */
export function isSpillwaySigned(block: unknown): boolean {
  const signed = stringField(block, 'signature')
  return signed?.startsWith(spillwayMark) === true
}

/** What a block of Spillway's making carries for its origin; empty when there is nothing, or nothing that makes sense. */
export function carriedDetails(block: unknown): ReasoningDetails {
  const signed = stringField(block, 'signature')
  const carried = signed?.startsWith(`${spillwayMark}1:`) ? signed.slice(spillwayMark.length + 2) : undefined
  if (carried === undefined) return []
  const value = parseBounded(Buffer.from(carried, 'base64url').toString())
  return Array.isArray(value) ? value.filter((each) => field(each, 'type') !== undefined) : []
}

/** A random id, with which vLLM signs thinking at its Messages endpoint (vllm-project/vllm, seen in 2026). */
const randomId = /^(?:[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$/i

/** The longest signature that may be such an id. */
export const longestForeignSignature = 36

/** Whether a signature is certainly none of Claude's: none at all, one of Spillway's, or a random id. */
export function isForeignSignature(signature: string): boolean {
  return signature === '' || signature.startsWith(spillwayMark) || randomId.test(signature)
}

import type { JsonObject } from '@spillway/middleware/kit'
import {
  field,
  parseBounded,
  type ReasoningDetails,
  spillwayMark,
  stringField,
} from '@spillway/wire/internal'

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

/**
 * Reasoning that Claude did not sign, as a thinking block whose signature says so; undefined where there is none. What
 * its origin wants to see again travels in the signature.
 */
export function thinkingBlock(text: string, details: ReasoningDetails): JsonObject | undefined {
  if (text === '' && details.length === 0) return undefined
  return { type: 'thinking', thinking: text, signature: spillwaySignature(details) }
}

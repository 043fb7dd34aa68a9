import type { Attributes } from '@opentelemetry/api'
import type { Failure, SpillwayEvent } from '@spillway/middleware'
import { failureAttributes } from './outcome-attributes.ts'

/** Longer texts are cut: an event names things, it does not carry them. */
const longestText = 256

const common: ReadonlySet<string> = new Set(['type', 'at', 'callId', 'target'])

/**
 * An event of any policy as attributes, also of one that this package has never heard of: its plain values by their
 * names (`waitMs` becomes `spillway.wait_ms`), a failure by its kind. Other objects are left out.
 */
export function eventAttributes(event: SpillwayEvent): Attributes {
  const found: Attributes = event.target === undefined ? {} : { 'spillway.target': event.target }
  for (const [name, value] of Object.entries(event)) {
    if (common.has(name)) continue
    const key = `spillway.${snakeCase(name)}`
    if (typeof value === 'string') found[key] = value.slice(0, longestText)
    else if (typeof value === 'number' || typeof value === 'boolean') found[key] = value
    else if (isFailure(value)) Object.assign(found, failureAttributes(value))
    else if (Array.isArray(value) && value.every((each) => typeof each === 'string')) found[key] = value
  }
  return found
}

/** The failure that an event is about, if any. */
export function failureOf(event: SpillwayEvent): Failure | undefined {
  const { failure } = event as { failure?: unknown }
  return isFailure(failure) ? failure : undefined
}

/** How long a call waited, from an event that says so. */
export function waitOf(event: SpillwayEvent): number | undefined {
  const { waitMs } = event as { waitMs?: unknown }
  return typeof waitMs === 'number' ? waitMs : undefined
}

function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && 'kind' in value && 'retryable' in value
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

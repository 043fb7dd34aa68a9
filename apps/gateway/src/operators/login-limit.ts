import { isIPv6 } from 'node:net'
import type { Clock } from '@spillway/middleware'
import { canonicalAddress } from '../access/authority.ts'

export interface LoginLimitOptions {
  readonly clock: Pick<Clock, 'now'>
  /** Failed attempts of one address before it has to wait. @default 10 */
  readonly perAddress?: number
  /** Failed attempts of all addresses a minute. @default 600 */
  readonly inAll?: number
  /** Addresses that are remembered. @default 10000 */
  readonly addresses?: number
}

/** The defaults of {@link LoginLimitOptions}. */
export const loginLimitDefaults: Required<Omit<LoginLimitOptions, 'clock'>> = {
  perAddress: 10,
  inAll: 600,
  addresses: 10_000,
}

/** How long an address waits for one more attempt, in milliseconds. */
const refill = 6_000

interface Bucket {
  left: number
  at: number
}

/**
 * Counts failed logins. Keys cannot be guessed: this bounds what attempts cost, and how much of the audit log they fill. Addresses are
 * limited rather than clients, so that an attacker cannot lock a client out; one that has logged in before is not held up by the attempts of others.
 */
export class LoginLimit {
  readonly #options: Required<LoginLimitOptions>
  readonly #buckets = new Map<string, Bucket>()
  readonly #trusted = new Set<string>()
  #all: Bucket

  constructor(options: LoginLimitOptions) {
    this.#options = { ...loginLimitDefaults, ...options }
    this.#all = { left: this.#options.inAll, at: options.clock.now() }
  }

  /** How long an address has to wait before its next attempt, in milliseconds; 0 where it may try. */
  wait(address: string): number {
    const { clock, perAddress, inAll } = this.#options
    const now = clock.now()
    const place = placeOf(address)
    const own = this.#buckets.get(place)
    const ofAddress = own === undefined ? 0 : missing(own, now, refill, perAddress)
    if (this.#trusted.has(place)) return ofAddress
    return Math.max(ofAddress, missing(this.#all, now, 60_000 / inAll, inAll))
  }

  failed(address: string): void {
    const { clock, perAddress, inAll, addresses } = this.#options
    const now = clock.now()
    const place = placeOf(address)
    const own = this.#buckets.get(place) ?? { left: perAddress, at: now }
    // Behind those that failed longer ago, which are forgotten first.
    this.#buckets.delete(place)
    this.#buckets.set(place, taken(own, now, refill, perAddress))
    this.#all = taken(this.#all, now, 60_000 / inAll, inAll)
    forgetOldest(this.#buckets, addresses)
  }

  /** Takes back that an attempt failed, and all that failed before. */
  succeeded(address: string): void {
    this.#all = { ...this.#all, left: this.#all.left + 1 }
    const place = placeOf(address)
    this.#buckets.delete(place)
    this.#trusted.delete(place)
    this.#trusted.add(place)
    forgetOldest(this.#trusted, this.#options.addresses)
  }
}

function filled({ left, at }: Bucket, now: number, every: number, most: number): Bucket {
  return { left: Math.min(most, left + (now - at) / every), at: now }
}

const taken = (bucket: Bucket, now: number, every: number, most: number): Bucket => {
  const { left, at } = filled(bucket, now, every, most)
  return { left: Math.max(0, left - 1), at }
}

function missing(bucket: Bucket, now: number, every: number, most: number): number {
  return Math.max(0, Math.ceil((1 - filled(bucket, now, every, most).left) * every))
}

function forgetOldest(
  kept: { readonly size: number; keys(): IterableIterator<string>; delete(key: string): unknown },
  most: number,
): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= most) return
    kept.delete(oldest)
  }
}

/** One subscriber has a whole /64 of IPv6. */
function placeOf(address: string): string {
  const canonical = canonicalAddress(address)
  if (!isIPv6(canonical)) return canonical
  const [head = '', tail] = canonical.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  return [...first, ...zeros, ...last].slice(0, 4).join(':')
}

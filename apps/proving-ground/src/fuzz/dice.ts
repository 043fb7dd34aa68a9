import { randomFor } from '../seeded-random.ts'

/** Chance that belongs to a seed and keys alone, in the forms that a generator asks for it. */
export class Dice {
  readonly #random: () => number

  constructor(seed: number, ...keys: readonly number[]) {
    this.#random = randomFor(seed, ...keys)
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.#random()
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.#random() < probability
  }

  /** A whole number from 0 to `below - 1`. */
  int(below: number): number {
    return Math.floor(this.#random() * below)
  }

  /** A whole number from `from` to `to`. */
  between(from: number, to: number): number {
    return from + this.int(to - from + 1)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)] as T
  }

  /** One of a weighted list; weights need no particular sum. */
  weighted<T>(table: Weighted<T>): T {
    let at = this.#random() * table.total
    for (const [weight, value] of table.rows) {
      at -= weight
      if (at < 0) return value
    }
    return table.rows[table.rows.length - 1]?.[1] as T
  }

  /** Most are near the median; a few are many times as large. */
  size(median: number, most: number): number {
    const spread = Math.exp((this.#random() + this.#random() + this.#random() - 1.5) * 3)
    return Math.min(most, Math.max(1, Math.round(median * spread)))
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let at = 0; at < length; at++) bytes[at] = this.int(256)
    return bytes
  }
}

/** Values with their weights. */
export interface Weighted<T> {
  readonly total: number
  readonly rows: readonly (readonly [weight: number, value: T])[]
}

export function weights<T>(rows: readonly (readonly [weight: number, value: T])[]): Weighted<T> {
  return { total: rows.reduce((sum, [weight]) => sum + weight, 0), rows }
}

import { createHash } from 'node:crypto'
import { inspect } from 'node:util'

/** What may be known of a secret by anybody. */
export interface SecretFacts {
  readonly name: string
  /** From 1, in the order in which values were added. */
  readonly version: number
  /** The environment that the secret is for, such as `production`. */
  readonly environment: string
}

/**
 * A secret that never shows itself. It is a `String` that reads `[secret NAME vN]`, so that everything which makes
 * text or a copy of it (templates, JSON, `inspect`, `structuredClone`, `postMessage`, `Buffer.from`) gets that;
 * only {@link Secret.expose} gives the value.
 */
export class Secret extends String {
  readonly #facts: SecretFacts
  readonly #value: string

  constructor(facts: SecretFacts, value: string) {
    super(`[secret ${facts.name} v${facts.version}]`)
    this.#facts = facts
    this.#value = value
  }

  get name(): string {
    return this.#facts.name
  }

  get version(): number {
    return this.#facts.version
  }

  get environment(): string {
    return this.#facts.environment
  }

  /** The first 12 hexadecimal digits of the value's SHA-256: the same wherever the same key is. */
  get fingerprint(): string {
    return fingerprintOf(this.#value)
  }

  /** The value itself. Keep it no longer than it takes to send it. */
  expose(): string {
    return this.#value
  }

  toJSON(): string {
    return this.toString()
  }

  static {
    // Defined here, since declarations cannot name it.
    const value = function (this: Secret): string {
      return this.toString()
    }
    Object.defineProperty(Secret.prototype, inspect.custom, { value })
  }
}

/** Tells keys apart without showing them. Keys are random, so that their hash gives nothing away. */
export function fingerprintOf(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 12)
}

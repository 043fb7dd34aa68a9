import { inspect } from 'node:util'

/** What may be known of a secret by anybody. */
export interface SecretFacts {
  readonly name: string
  /** From 1, in the order in which values were added. */
  readonly version: number
  /** The environment that the secret is for, such as `production`. */
  readonly environment: string
  /** Of the value, as its vault lists it; undefined for a value that is in no vault. */
  readonly fingerprint?: string | undefined
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

  /** The same for the same value of the same vault; undefined for a value that is in no vault. */
  get fingerprint(): string | undefined {
    return this.#facts.fingerprint
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

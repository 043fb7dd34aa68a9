/** How a version has been used in this process. */
export interface LeaseCount {
  readonly name: string
  readonly version: number
  /** Attempts that are using it now. */
  readonly open: number
  /** Attempts that have ever been given it. */
  readonly granted: number
}

interface Entry {
  readonly name: string
  readonly version: number
  open: number
  granted: number
  returned: number
}

/** Who uses which version now. */
export class LeaseBook {
  readonly #entries = new Map<string, Entry>()
  readonly #listeners = new Set<() => void>()

  /** One more attempt uses this version; call what is returned when it no longer does, once or more. */
  take(name: string, version: number): () => void {
    const entry = this.#entry(name, version)
    entry.open++
    entry.granted++
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      entry.open--
      entry.returned++
      if (this.#listeners.size > 0) for (const listener of [...this.#listeners]) listener()
    }
  }

  open(name: string, version: number): number {
    return this.#entries.get(`${name}@${version}`)?.open ?? 0
  }

  /** Attempts that have given this version back. */
  returned(name: string, version: number): number {
    return this.#entries.get(`${name}@${version}`)?.returned ?? 0
  }

  counts(): LeaseCount[] {
    return [...this.#entries.values()].map(({ name, version, open, granted }) => ({
      name,
      version,
      open,
      granted,
    }))
  }

  /** Calls back after each lease that is given back; call what is returned to stop. */
  onReturn(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #entry(name: string, version: number): Entry {
    const key = `${name}@${version}`
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = { name, version, open: 0, granted: 0, returned: 0 }
      this.#entries.set(key, entry)
    }
    return entry
  }
}

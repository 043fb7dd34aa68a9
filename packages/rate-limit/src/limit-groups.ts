/** Groups of a key that are kept at most: callers choose the names of models. */
export const mostGroups = 32

/** Where calls count that come with a name too many. It contains a space, which no group of one model does. */
const others = 'other models'

/** What can be forgotten when it limits nobody. */
interface Forgettable {
  isIdle(now: number): boolean
  close(): void
}

/** The limit groups of one key: made with their first call, forgotten when they limit nobody, and bounded. */
export class LimitGroups<Group extends Forgettable> {
  readonly #make: (name: string) => Group
  readonly #groups = new Map<string, Group>()

  constructor(make: (name: string) => Group) {
    this.#make = make
  }

  [Symbol.iterator](): IterableIterator<[string, Group]> {
    return this.#groups.entries()
  }

  /** Whether none limits anybody. */
  areIdle(now: number): boolean {
    for (const group of this.#groups.values()) if (!group.isIdle(now)) return false
    return true
  }

  /** A group that there is already. */
  find(name: string): Group | undefined {
    return this.#groups.get(name) ?? (this.#isFull() ? this.#groups.get(others) : undefined)
  }

  for(name: string, now: number): Group {
    const found = this.#groups.get(name)
    if (found !== undefined) return found
    if (this.#isFull()) {
      for (const [each, group] of this.#groups) {
        if (!group.isIdle(now)) continue
        this.#groups.delete(each)
        group.close()
      }
    }
    const free = this.#isFull() ? others : name
    let group = this.#groups.get(free)
    if (group === undefined) {
      group = this.#make(free)
      this.#groups.set(free, group)
    }
    return group
  }

  #isFull(): boolean {
    return this.#groups.size >= mostGroups
  }
}

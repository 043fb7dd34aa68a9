/** Groups of a key that are kept at most: callers choose the names of models. */
export const mostGroups = 32

/** Where calls count that come with a name too many. It contains a space, which no group of one model does. */
const others = 'other models'

/** What can be evicted while it limits no call. */
interface Forgettable {
  isIdle(now: number): boolean
  close(): void
}

/** The limit groups of one key: made with their first call, evicted when they limit no call, and bounded. */
export class LimitGroups<Group extends Forgettable> {
  readonly #make: (name: string) => Group
  /** Most keys have calls of one group, callers can make keys up, and a map takes more memory than many a group. */
  #first: [name: string, group: Group] | undefined = undefined
  #others: Map<string, Group> | undefined = undefined

  constructor(make: (name: string) => Group) {
    this.#make = make
  }

  *[Symbol.iterator](): IterableIterator<[string, Group]> {
    if (this.#first !== undefined) yield this.#first
    if (this.#others !== undefined) yield* this.#others
  }

  /** Whether none limits anybody. */
  areIdle(now: number): boolean {
    if (this.#first?.[1].isIdle(now) === false) return false
    for (const group of this.#others?.values() ?? []) if (!group.isIdle(now)) return false
    return true
  }

  /** A group that there is already. */
  find(name: string): Group | undefined {
    return this.#get(name) ?? (this.#isFull() ? this.#get(others) : undefined)
  }

  for(name: string, now: number): Group {
    const found = this.#get(name)
    if (found !== undefined) return found
    if (this.#isFull()) this.#forgetIdle(now)
    const free = this.#isFull() ? others : name
    const group = this.#get(free) ?? this.#make(free)
    this.#set(free, group)
    return group
  }

  #get(name: string): Group | undefined {
    return this.#first?.[0] === name ? this.#first[1] : this.#others?.get(name)
  }

  #set(name: string, group: Group): void {
    if (this.#first === undefined || this.#first[0] === name) {
      this.#first = [name, group]
      return
    }
    this.#others ??= new Map()
    this.#others.set(name, group)
  }

  #forgetIdle(now: number): void {
    for (const [name, group] of [...this]) {
      if (!group.isIdle(now)) continue
      if (this.#first?.[0] === name) this.#first = undefined
      else this.#others?.delete(name)
      group.close()
    }
  }

  #isFull(): boolean {
    const first = this.#first === undefined ? 0 : 1
    return first + (this.#others?.size ?? 0) >= mostGroups
  }
}

import { type Block, longestBlock } from '../monitored.ts'
import type { FuzzCase } from './fuzz-case.ts'

/** A case that blocks the event loop when it runs alone. */
export interface Culprit {
  readonly fuzzCase: FuzzCase
  /** How long the block was that made it a suspect. */
  readonly ms: number
}

export interface BlockSummary {
  /** The longest block of the process's own work, in milliseconds. */
  readonly longest: number
  /** How many were over the limit. */
  readonly over: number
  /** How many of them a case causes alone. */
  readonly confirmed: number
  /** The longest ones over the limit: what ran then, the largest request first. */
  readonly suspects: readonly string[]
  /** Times over the limit in which the process hardly used the CPU: the machine was busy with something else. */
  readonly ofMachine: number
}

const mostSuspects = 30
const mostCandidates = 80

/** Hears of blocks of the gateway's event loop, and finds out whose they are. */
export class BlockWatch {
  readonly #blocks: Block[] = []
  readonly #suspects: { readonly block: Block; readonly cases: readonly FuzzCase[] }[] = []
  #confirmed = 0
  #since = Infinity

  /**
   * Blocks count that begin after this time, in milliseconds since the Unix epoch: until it listens, the gateway loads its code, and
   * nobody waits.
   */
  begin(at: number): void {
    this.#since = at
  }

  /** @param running the cases that ran at some time between two */
  hear(block: Block, running: (from: number, to: number) => readonly FuzzCase[]): void {
    if (block.at - block.ms < this.#since) return
    this.#blocks.push(block)
    if (!isTooLong(block) || this.#suspects.length >= mostSuspects) return
    this.#suspects.push({ block, cases: running(block.at - block.ms - 20, block.at) })
  }

  /** Runs the cases of each block over the limit alone. One that blocks twice in three times is the culprit. */
  async confirm(runAlone: (fuzzCase: FuzzCase) => Promise<void>): Promise<Culprit[]> {
    const culprits = new Map<number, Culprit>()
    for (const { block, cases } of [...this.#suspects]) {
      // The largest first: they are the likeliest.
      const candidates = cases.toSorted((a, b) => sizeOf(b) - sizeOf(a)).slice(0, mostCandidates)
      for (const fuzzCase of candidates) {
        if (!culprits.has(fuzzCase.index) && !(await this.#blocksAlone(fuzzCase, runAlone))) continue
        culprits.set(fuzzCase.index, { fuzzCase, ms: block.ms })
        this.#confirmed++
        break
      }
    }
    return [...culprits.values()]
  }

  get summary(): BlockSummary {
    const long = this.#blocks.filter(({ ms }) => ms > longestBlock)
    return {
      longest: Math.max(0, ...this.#blocks.filter(isOwn).map(({ ms }) => ms)),
      over: this.#suspects.length,
      confirmed: this.#confirmed,
      suspects: this.#suspects
        .toSorted((a, b) => b.block.ms - a.block.ms)
        .slice(0, 5)
        .map(({ block, cases }) => {
          const largest = cases.toSorted((a, b) => sizeOf(b) - sizeOf(a)).slice(0, 3)
          const said = largest.map((each) => `${each.index} (${each.request.kind}, ${sizeOf(each)} bytes)`)
          return `${block.ms.toFixed(0)} ms, ${block.cpuMs.toFixed(0)} ms of CPU; ${cases.length} cases: ${said.join(', ')}`
        }),
      ofMachine: long.filter((block) => !isOwn(block)).length,
    }
  }

  async #blocksAlone(fuzzCase: FuzzCase, runAlone: (fuzzCase: FuzzCase) => Promise<void>): Promise<boolean> {
    let times = 0
    for (let tries = 1; tries <= 3; tries++) {
      const before = this.#blocks.length
      await runAlone(fuzzCase)
      if (this.#blocks.slice(before).some(isTooLong)) times++
      else if (tries === 2 && times === 0) return false
    }
    return times >= 2
  }
}

/** Whether the process itself used most of the time. */
function isOwn({ ms, cpuMs }: Block): boolean {
  return cpuMs > ms * 0.6
}

function isTooLong(block: Block): boolean {
  return block.ms > longestBlock && isOwn(block)
}

function sizeOf({ request }: FuzzCase): number {
  return request.steps.reduce((sum, step) => sum + ('bytes' in step ? step.bytes.length : 0), 0)
}

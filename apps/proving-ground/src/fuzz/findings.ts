import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Exchange } from './client.ts'
import { entryOf } from './corpus.ts'
import type { FuzzCase } from './fuzz-case.ts'
import type { Received } from './upstream.ts'

/** Something that does not hold. */
export interface Finding {
  readonly problem: string
  /** Undefined where it belongs to no case alone. */
  readonly index: number | undefined
  /** What was done to the request, and what the upstream did. */
  readonly circumstances: string
}

/** Findings of one kind; only the first ones are kept one by one. */
export interface FindingGroup {
  readonly problem: string
  count: number
  readonly examples: Finding[]
}

const examplesKept = 5

/** Collects findings by kind, and writes the cases of the first ones into a folder. */
export class Findings {
  readonly groups: Map<string, FindingGroup> = new Map()
  readonly #folder: string
  readonly #seed: number

  constructor(folder: string, seed: number) {
    this.#folder = folder
    this.#seed = seed
  }

  get count(): number {
    let sum = 0
    for (const { count } of this.groups.values()) sum += count
    return sum
  }

  /** Of the run as a whole. */
  add(problem: string): void {
    this.#keep({ problem, index: undefined, circumstances: '' })
  }

  /** Of one case. */
  addCase(
    problem: string,
    fuzzCase: FuzzCase,
    exchange: Exchange | undefined,
    received: readonly Received[],
  ): void {
    const { index, request } = fuzzCase
    const answers = received.map(({ target, answer }) => `${target} ${answer.kind}`).join(', ')
    const isNew = this.#keep({ problem, index, circumstances: `${request.kind}; ${answers}` })
    if (!isNew) return
    mkdirSync(this.#folder, { recursive: true })
    const entry = entryOf(fuzzCase, received, { seed: this.#seed, problem })
    const got = exchange?.answers.map(({ head, body }) => `${head}${body.toString('latin1', 0, 4_000)}`)
    writeFileSync(
      join(this.#folder, `${this.#seed}-${index}.json`),
      JSON.stringify({ ...entry, got }, null, 1),
    )
  }

  #keep(finding: Finding): boolean {
    const kind = finding.problem
      .replaceAll(/\d+/g, 'N')
      .replaceAll(/qZ7\S*/g, 'MARKER')
      .slice(0, 120)
    const group = this.groups.get(kind) ?? { problem: finding.problem, count: 0, examples: [] }
    this.groups.set(kind, group)
    group.count++
    if (group.examples.length >= examplesKept) return false
    group.examples.push(finding)
    return true
  }
}

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Exchange } from './client.ts'
import { entryOf } from './corpus.ts'
import type { FuzzCase } from './fuzz-case.ts'
import type { ReplayedCase } from './minimise.ts'
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
  /** The first case of it, and its answers. */
  first: ReplayedCase | undefined
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
    const group = this.#keep({ problem, index, circumstances: `${request.kind}; ${answers}` })
    if (group === undefined) return
    group.first ??= { fuzzCase, received: [...received] }
    const got = exchange?.answers.map(({ head, body }) => `${head}${body.toString('latin1', 0, 4_000)}`)
    this.#write(`${this.#seed}-${index}.json`, problem, { fuzzCase, received }, { got })
  }

  /** The first case of each kind of problem that belongs to a case. */
  firstCases(): { readonly problem: string; readonly replayed: ReplayedCase }[] {
    return [...this.groups.values()].flatMap(({ problem, first }) =>
      first === undefined ? [] : [{ problem, replayed: first }],
    )
  }

  /** A smaller case of the same problem. */
  writeSmaller(problem: string, smaller: ReplayedCase): void {
    this.#write(`${this.#seed}-${smaller.fuzzCase.index}.smaller.json`, problem, smaller, {})
  }

  #write(name: string, problem: string, { fuzzCase, received }: ReplayedCase, more: object): void {
    mkdirSync(this.#folder, { recursive: true })
    const entry = entryOf(fuzzCase, received, { seed: this.#seed, problem })
    writeFileSync(join(this.#folder, name), JSON.stringify({ ...entry, ...more }, null, 1))
  }

  /** Undefined when there are enough of the kind. */
  #keep(finding: Finding): FindingGroup | undefined {
    const kind = kindOfProblem(finding.problem)
    const group = this.groups.get(kind) ?? {
      problem: finding.problem,
      count: 0,
      examples: [],
      first: undefined,
    }
    this.groups.set(kind, group)
    group.count++
    if (group.examples.length >= examplesKept) return undefined
    group.examples.push(finding)
    return group
  }
}

/** The same for problems that differ in numbers and markers alone. */
export function kindOfProblem(problem: string): string {
  return problem
    .replaceAll(/\d+/g, 'N')
    .replaceAll(/qZ7\S*/g, 'MARKER')
    .slice(0, 120)
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type BooksLine, checkBooks, leaksOnDisk, settle } from '../books.ts'
import { longestBlock, type MonitoredGateway, startMonitored } from '../monitored.ts'
import { type BlockSummary, BlockWatch } from './block-watch.ts'
import { answerAt, caseAt } from './case-source.ts'
import { Client, type Exchange } from './client.ts'
import { configOf, env, targets } from './config.ts'
import { readCorpus, readEntry, replayedCase } from './corpus.ts'
import { Findings, kindOfProblem } from './findings.ts'
import type { FuzzCase } from './fuzz-case.ts'
import { InFlight, now, type RunningCase } from './in-flight.ts'
import { judge } from './judge.ts'
import { leaksIn } from './markers.ts'
import { fewestForMemory, type Growth, type MemoryPoint, MemoryWatch } from './memory-watch.ts'
import { minimise, type ReplayedCase } from './minimise.ts'
import { OwnPauses } from './own-pauses.ts'
import { startUpstreams, type Upstreams } from './upstream.ts'

export interface FuzzOptions {
  readonly requests: number
  readonly seed: number
  /** Cases at a time. */
  readonly concurrency?: number
  /** One case alone: its index, or the file of a finding. */
  readonly only?: number | string | undefined
  /** Leaves the gateway's folder, with its books, where it is. */
  readonly keepsFiles?: boolean
  /** Bytes that each request leaves behind in the gateway, to see that they are found. @default 0 */
  readonly leak?: number
  /** Where the cases of findings are written. */
  readonly findings: string
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface Progress {
  readonly done: number
  readonly of: number
  readonly perSecond: number
  readonly findings: number
  /** Of the gateway, in bytes. */
  readonly rss: number
}

export interface FuzzResult {
  readonly findings: Findings
  readonly books: readonly BooksLine[]
  readonly memory: readonly MemoryPoint[]
  readonly growths: readonly Growth[]
  /** By what was done to the request. */
  readonly kinds: ReadonlyMap<string, number>
  /** Answers by status; `closed` and `left` for connections without one. */
  readonly statuses: ReadonlyMap<string, number>
  /** By what upstreams answered. */
  readonly answers: ReadonlyMap<string, number>
  readonly blocks: BlockSummary
  /** Problems of cases during which the fuzzer itself did not run, and which did not come again. */
  readonly excused: number
  readonly seconds: number
  /** CPU time of a case, in microseconds. */
  readonly cpu: { readonly gateway: number; readonly fuzzer: number }
  readonly exchange: Exchange | undefined
  readonly only: RunningCase | undefined
}

/** Cases that are judged once more: with more, the machine is too busy for a verdict. */
const mostDoubtful = 200

/** Shares of the cases after which memory is looked at. */
const checkpoints = [0.1, ...Array.from({ length: 11 }, (_, at) => 0.5 + at / 20)]

/** Sends mutated requests through the built gateway, in front of upstreams that mutate their answers. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-fuzz-'))
  const session = await FuzzSession.start(options, folder)
  try {
    return await session.run()
  } finally {
    await session.close()
    if (options.keepsFiles) console.error(`kept: ${folder}`)
    else rmSync(folder, { recursive: true, force: true })
  }
}

class FuzzSession {
  readonly #options: FuzzOptions
  readonly #folder: string
  readonly #findings: Findings
  readonly #inFlight = new InFlight()
  readonly #kinds = new Map<string, number>()
  readonly #statuses = new Map<string, number>()
  readonly #answers = new Map<string, number>()
  readonly #blocks = new BlockWatch()
  readonly #memory = new MemoryWatch()
  readonly #pauses = new OwnPauses()
  readonly #doubtful: { readonly problem: string; readonly replayed: ReplayedCase }[] = []
  #excused = 0
  #gateway!: MonitoredGateway
  #upstreams!: Upstreams
  #client!: Client
  #host = ''
  #calls = 0
  #unknownCalls = 0
  #done = 0
  #isDead = false
  #isReplaying = false
  #logTail: Buffer = Buffer.alloc(0)

  private constructor(options: FuzzOptions, folder: string) {
    this.#options = options
    this.#folder = folder
    this.#findings = new Findings(options.findings, options.seed)
  }

  static async start(options: FuzzOptions, folder: string): Promise<FuzzSession> {
    const session = new FuzzSession(options, folder)
    await session.#start()
    return session
  }

  async #start(): Promise<void> {
    const { seed, leak } = this.#options
    this.#upstreams = await startUpstreams(
      targets,
      (index, asked) => this.#inFlight.get(index)?.fuzzCase.answer(asked) ?? answerAt(seed, index, asked),
      (received) => {
        count(this.#answers, received.answer.kind)
        this.#inFlight.get(received.index)?.received.push(received)
      },
    )
    this.#gateway = await startMonitored({
      config: configOf(this.#upstreams, this.#folder),
      folder: this.#folder,
      env,
      leak,
      onBlock: (block) => this.#blocks.hear(block, (from, to) => this.#running(from, to)),
      onLog: (chunk) => this.#logged(chunk),
      onComplaint: (text) => this.#complained(text),
      onExit: (how) => {
        this.#isDead = true
        this.#findings.add(`the gateway ended: ${how}; ${this.#inFlightNow()}`)
      },
    })
    this.#blocks.begin(now())
    this.#host = new URL(this.#gateway.url).host
    this.#client = new Client(Number(new URL(this.#gateway.url).port))
  }

  async run(): Promise<FuzzResult> {
    const { requests, seed, only } = this.#options
    const startedAt = performance.now()
    this.#pauses.start()
    const cpu = { gateway: this.#gateway.cpu(), fuzzer: process.cpuUsage() }
    let exchange: Exchange | undefined
    let running: RunningCase | undefined
    if (only !== undefined) {
      const alone = typeof only === 'number' ? caseAt(seed, only, this.#host) : readEntry(only, this.#host)
      exchange = await this.#one(alone)
      await pause(300)
      running = this.#inFlight.get(alone.index)
    } else {
      for (const fuzzCase of readCorpus(this.#host)) await this.#one(fuzzCase)
      let from = 0
      for (const share of checkpoints) {
        const to = Math.round(requests * share)
        await this.#lanes(from, to, startedAt)
        if (this.#isDead) break
        if (requests >= fewestForMemory || share === 1) await this.#remember(to)
        from = to
      }
    }
    const seconds = (performance.now() - startedAt) / 1000
    const used = process.cpuUsage(cpu.fuzzer)
    const cpuOfCase = {
      gateway: this.#isDead ? 0 : ((this.#gateway.cpu() - cpu.gateway) * 1_000) / Math.max(1, this.#done),
      fuzzer: (used.user + used.system) / Math.max(1, this.#done),
    }
    const books = this.#isDead ? [] : await this.#checkBooks()
    for (const problem of this.#memory.problems(requests)) this.#findings.add(problem)
    // What is written to stderr from here on has been written before.
    this.#isReplaying = true
    if (!this.#isDead) await this.#confirmDoubtful()
    if (!this.#isDead) await this.#confirmBlocks()
    if (!this.#isDead && only === undefined) await this.#minimise()
    return {
      findings: this.#findings,
      books,
      memory: this.#memory.points,
      growths: this.#memory.growths(requests),
      kinds: this.#kinds,
      statuses: this.#statuses,
      answers: this.#answers,
      blocks: this.#blocks.summary,
      excused: this.#excused,
      seconds,
      cpu: cpuOfCase,
      exchange,
      only: running,
    }
  }

  async close(): Promise<void> {
    this.#pauses.stop()
    this.#client.close()
    if (!this.#isDead) await this.#gateway.stop(10_000)
    await this.#upstreams.close()
  }

  async #lanes(from: number, to: number, startedAt: number): Promise<void> {
    const { seed, requests, concurrency = 64, onProgress } = this.#options
    let next = from
    const lane = async (): Promise<void> => {
      while (next < to && !this.#isDead) {
        await this.#one(caseAt(seed, next++, this.#host))
        this.#done++
        if (this.#done % 5_000 === 0)
          onProgress?.({
            done: this.#done,
            of: requests,
            perSecond: (this.#done * 1_000) / (performance.now() - startedAt),
            findings: this.#findings.count,
            rss: this.#gateway.rss(),
          })
      }
    }
    await Promise.all(Array.from({ length: concurrency }, lane))
  }

  async #one(fuzzCase: FuzzCase): Promise<Exchange> {
    const running = this.#inFlight.begin(fuzzCase)
    const exchange = await this.#client.run(fuzzCase)
    running.endedAt = now()
    count(this.#kinds, fuzzCase.request.kind)
    this.#countAnswers(fuzzCase, exchange)
    if (!this.#isDead) {
      for (const problem of judge(fuzzCase, exchange, running.received))
        this.#found(problem, running, exchange)
    }
    return exchange
  }

  /** A case that ran while the fuzzer itself did not is judged once more later, alone. */
  #found(
    problem: string,
    { fuzzCase, received, startedAt, endedAt = now() }: RunningCase,
    exchange: Exchange,
  ): void {
    if (this.#pauses.between(startedAt, endedAt) && this.#doubtful.length < mostDoubtful)
      this.#doubtful.push({ problem, replayed: { fuzzCase, received: [...received] } })
    else this.#findings.addCase(problem, fuzzCase, exchange, received)
  }

  async #confirmDoubtful(): Promise<void> {
    for (const { problem, replayed } of this.#doubtful) {
      const { fuzzCase, received } = this.#inFlight.begin(replayedCase(replayed))
      const exchange = await this.#client.run(fuzzCase)
      const isAgain = judge(fuzzCase, exchange, received).some(
        (each) => kindOfProblem(each) === kindOfProblem(problem),
      )
      if (isAgain) this.#findings.addCase(problem, fuzzCase, exchange, received)
      else this.#excused++
    }
  }

  #countAnswers({ request }: FuzzCase, { answers, ended }: Exchange): void {
    if (answers.length === 0) count(this.#statuses, ended)
    let admitted = 0
    for (const { status, headers, body } of answers) {
      count(this.#statuses, String(status))
      if (headers.has('x-spillway-attempts') || body.includes('x-spillway-attempts: ')) admitted++
    }
    this.#calls += admitted
    if (request.api !== undefined && admitted === 0 && (answers.length === 0 || ended !== 'answered'))
      this.#unknownCalls++
  }

  #running(from: number, to: number): FuzzCase[] {
    return this.#inFlight.between(from, to).map(({ fuzzCase }) => fuzzCase)
  }

  #inFlightNow(): string {
    const indexes = this.#running(now() - 50, now()).map(({ index }) => index)
    return `in flight: ${indexes.slice(0, 100).join(', ')}`
  }

  async #confirmBlocks(): Promise<void> {
    const culprits = await this.#blocks.confirm(async (fuzzCase) => {
      this.#inFlight.begin(fuzzCase)
      await this.#client.run(fuzzCase)
      await pause(15)
    })
    for (const { fuzzCase, ms } of culprits) {
      const problem = `blocks the event loop for more than ${longestBlock} ms (seen: ${ms.toFixed(0)} ms)`
      this.#findings.addCase(problem, fuzzCase, undefined, this.#inFlight.get(fuzzCase.index)?.received ?? [])
    }
  }

  /** Writes a smaller case beside the first one of each kind, where it still fails alone. */
  async #minimise(): Promise<void> {
    for (const { problem, replayed } of this.#findings.firstCases()) {
      const stillFails = async (candidate: ReplayedCase): Promise<boolean> => {
        const fuzzCase = replayedCase(candidate)
        const { received } = this.#inFlight.begin(fuzzCase)
        const exchange = await this.#client.run(fuzzCase)
        return judge(fuzzCase, exchange, received).some(
          (each) => kindOfProblem(each) === kindOfProblem(problem),
        )
      }
      if (!this.#isDead && (await stillFails(replayed)))
        this.#findings.writeSmaller(problem, await minimise(replayed, stillFails))
    }
  }

  #logged(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#logTail, chunk])
    for (const leak of leaksIn(bytes, undefined)) this.#findings.add(`the log has ${leak}`)
    const end = bytes.lastIndexOf(10)
    this.#logTail = Buffer.from(bytes.subarray(end + 1).subarray(-10_000))
  }

  #complained(text: string): void {
    if (this.#isReplaying) return
    this.#findings.add(`stderr: ${text.slice(0, 1_500)} (${this.#inFlightNow()})`)
  }

  async #remember(done: number): Promise<void> {
    // What has just ended lets go of its last timers.
    await pause(1_500)
    this.#memory.remember({ done, ...(await this.#gateway.holdings()) })
  }

  async #checkBooks(): Promise<BooksLine[]> {
    const database = `sqlite:${this.#folder}/books.db`
    await settle(this.#gateway.url, database)
    const { requests } = this.#upstreams
    const lines = await checkBooks(this.#gateway.url, database, {
      calls: this.#calls,
      unknownCalls: this.#unknownCalls,
      requests,
    })
    for (const { what, seen, holds } of lines) if (!holds) this.#findings.add(`books: ${what}: ${seen}`)
    const metrics = Buffer.from(await (await fetch(`${this.#gateway.url}/metrics`)).text())
    for (const leak of leaksIn(metrics, undefined)) this.#findings.add(`/metrics has ${leak}`)
    const files = this.#gateway.temporaryFiles()
    if (files.length > 0) this.#findings.add(`temporary files left behind: ${files.slice(0, 10).join(', ')}`)
    for (const leak of await leaksOnDisk(this.#folder)) this.#findings.add(`on disk: ${leak}`)
    return lines
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

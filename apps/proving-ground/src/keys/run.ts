import { createReadStream, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startClaude, startOpenAi } from '@spillway/testing'
import { queryLedger } from '../booked-rows.ts'
import { Dice } from '../fuzz/dice.ts'
import { type MonitoredGateway, startMonitored } from '../monitored.ts'
import { type Action, actionOf, markerOf, markers, type Presented, present } from './actions.ts'
import { judgeCase } from './judge.ts'
import { budget, type KnownClient, secretEnv, settling, World } from './world.ts'

export interface KeysOptions {
  readonly requests: number
  readonly seed: number
  readonly concurrency?: number
  readonly onProgress?: ((done: number, perSecond: number, findings: number) => void) | undefined
  /** Hears of the first finding of each kind. */
  readonly onFinding?: ((problem: string, first: string) => void) | undefined
}

export interface KeysResult {
  /** What does not hold, and how often; with the first case of it. */
  readonly findings: ReadonlyMap<string, { count: number; readonly first: string }>
  readonly kinds: ReadonlyMap<string, number>
  readonly presented: ReadonlyMap<string, number>
  readonly statuses: ReadonlyMap<string, number>
  readonly acts: ReadonlyMap<string, number>
  /** Cases in which a key or a permission had just changed, so that either was right. */
  readonly open: number
  readonly lines: readonly string[]
  readonly seconds: number
}

/** What a case got. */
export interface Got {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Whether the client left before the end of the answer. */
  readonly hasLeft: boolean
}

const ownKey = 'sk-ant-qZ7own-4b1f92c07d3e'
const anyKey = /sw-[0-9A-Za-z]{42}/

/** Sends requests of many clients through the built gateway, while their keys and permissions change. */
export async function fuzzKeys(options: KeysOptions): Promise<KeysResult> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-keys-'))
  const session = new KeysSession(options, folder)
  try {
    return await session.run()
  } finally {
    await session.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

class KeysSession {
  readonly #options: KeysOptions
  readonly #folder: string
  readonly #findings = new Map<string, { count: number; readonly first: string }>()
  readonly #kinds = new Map<string, number>()
  readonly #presented = new Map<string, number>()
  readonly #statuses = new Map<string, number>()
  readonly #acts = new Map<string, number>()
  /** Cases whose prompt has reached a model. */
  readonly #reached = new Set<number>()
  readonly #world: World
  readonly #lines: string[] = []
  #open = 0
  #gateway: MonitoredGateway | undefined
  #servers: { close(): Promise<unknown> }[] = []
  #logTail = ''

  constructor(options: KeysOptions, folder: string) {
    this.#options = options
    this.#folder = folder
    this.#world = new World(join(folder, 'clients.json'))
  }

  async run(): Promise<KeysResult> {
    const { requests, seed, concurrency = 48, onProgress } = this.#options
    await this.#world.begin(new Dice(seed, 0))
    await this.#start()
    const startedAt = performance.now()
    let next = 0
    const lane = async (): Promise<void> => {
      while (next < requests) {
        const index = next++
        await this.#one(index)
        if (index % 2_000 === 0)
          onProgress?.(index, (index * 1_000) / (performance.now() - startedAt), this.#findings.size)
      }
    }
    let isOver = false
    const acting = this.#actUntil(() => isOver)
    await Promise.all(Array.from({ length: concurrency }, lane))
    isOver = true
    await acting
    const seconds = (performance.now() - startedAt) / 1_000
    await this.#checkBooks()
    this.#checkBudgets()
    await this.#checkPlaces()
    return {
      ...{
        findings: this.#findings,
        kinds: this.#kinds,
        presented: this.#presented,
        statuses: this.#statuses,
      },
      ...{ acts: this.#acts, open: this.#open, lines: this.#lines, seconds },
    }
  }

  async close(): Promise<void> {
    await this.#gateway?.stop(10_000)
    await Promise.all(this.#servers.map((server) => server.close()))
  }

  async #start(): Promise<void> {
    const reply = ({ json, headers }: { readonly json: unknown; readonly headers: object }) => {
      const said = JSON.stringify(json)
      if (anyKey.test(said) || anyKey.test(JSON.stringify(headers)))
        this.#found('a key of a client reaches a vendor', said)
      const all = [...said.matchAll(markers)]
      for (const [, , index] of all) this.#reached.add(Number(index))
      return { text: all.at(-1)?.[0] ?? 'Hello.' }
    }
    const claude = await startClaude({ record: false, reply })
    const openai = await startOpenAi({ record: false, reply, models: ['gpt-6'] })
    this.#servers = [claude, openai]
    const credential = 'env:FUZZ_KEY'
    this.#gateway = await startMonitored({
      config: {
        server: {
          ...{ host: '127.0.0.1', port: 0, auth: 'keys', fingerprintKey: 'env:FUZZ_CLIENT_SECRET' },
          clientsFile: join(this.#folder, 'clients.json'),
          // A machine that is busy is no reason to refuse anything here.
          loadShedding: { maxEventLoopDelay: 'none' },
        },
        targets: {
          claude: { api: 'anthropic', endpoints: [{ url: claude.url, credential }] },
          openai: { api: 'openai', responses: true, endpoints: [{ url: `${openai.url}/v1`, credential }] },
        },
        routes: [
          { models: 'claude-*', target: 'claude' },
          { models: 'gpt-*', target: 'openai' },
        ],
        retry: { attempts: 1 },
        rateLimit: {
          requestsPerMinute: 10_000_000,
          inputTokensPerMinute: 1e12,
          concurrency: 1_000,
          maxWait: '5s',
        },
        storage: { url: `sqlite:${this.#folder}/books.db`, journal: `${this.#folder}/waiting` },
      },
      folder: this.#folder,
      env: { ...secretEnv, FUZZ_KEY: ownKey },
      onLog: (line) => {
        const text = this.#logTail + line.toString()
        if (anyKey.test(text) || text.includes(ownKey)) this.#found('the log has a key', text.slice(-500))
        this.#logTail = text.slice(-100)
      },
      onComplaint: (text) => {
        if (anyKey.test(text) || text.includes(ownKey)) this.#found('stderr has a key', text.slice(-500))
        // Lines of the log tell of the machine, which is busy; all else is an error.
        const errors = text.split('\n').filter((line) => line !== '' && !/^\d{4}-\d\d-\d\d /.test(line))
        for (const line of text.split('\n'))
          if (!errors.includes(line) && line !== '' && this.#lines.length < 20)
            this.#lines.push(`the log: ${line}`)
        if (errors.length > 0) this.#found(`stderr: ${errors.join(' ').slice(0, 300)}`, text)
      },
      onExit: (how) => this.#found(`the gateway ended: ${how}`, ''),
    })
  }

  async #actUntil(isOver: () => boolean): Promise<void> {
    const dice = new Dice(this.#options.seed, 1)
    while (!isOver()) {
      count(this.#acts, await this.#world.act(dice))
      await pause(dice.between(20, 200))
    }
  }

  async #one(index: number): Promise<void> {
    const dice = new Dice(this.#options.seed, 2, index)
    const client = dice.pick(this.#world.clients)
    const presented = present(client, this.#world, dice)
    const action = actionOf({ client, world: this.#world, dice, marker: markerOf(client.name, index) })
    const leaves = action.stream && dice.chance(0.05)
    const { permissions, changedAt } = client
    if (action.deletes !== undefined) this.#world.deleted.add(action.deletes)
    if (action.isCall) client.begun++
    const startedAt = performance.now()
    const got = await this.#send(action, presented, leaves).catch((error: Error) => error)
    const endedAt = performance.now()
    if (got instanceof Error)
      return this.#found(`no answer: ${got.message} (${String(got.cause)})`, `case ${index}: ${action.kind}`)
    count(this.#kinds, action.kind)
    count(this.#presented, presented.kind)
    count(this.#statuses, String(got.status))
    // A key of a client that was just revoked may still admit that one.
    const isOwn = presented.owner === client
    const isSettled =
      client.permissions === permissions && client.changedAt === changedAt && changedAt < startedAt - settling
    this.#book(presented.owner, action, got)
    const { problems, isOpen } = judgeCase({
      ...{ index, action, presented, got, client, startedAt, endedAt, isSettled, isOwn, permissions },
      ...{ world: this.#world, hasReached: () => this.#reached.has(index) },
    })
    this.#reached.delete(index)
    if (isOpen) this.#open++
    for (const problem of problems)
      this.#found(
        problem,
        `case ${index}: ${client.name} (${client.settings.permissions.join(',')}) ${action.kind}, key ${presented.kind}: ${got.status} ${got.text.slice(0, 400)}`,
      )
    if (got.status === 200 && isOwn && !got.hasLeft) this.#learn(client, action, got.text)
  }

  async #send(action: Action, presented: Presented, leaves: boolean): Promise<Got> {
    const query =
      presented.query === '' ? '' : presented.query.replace('?', action.path.includes('?') ? '&' : '?')
    const leaving = new AbortController()
    const response = await fetch(`${(this.#gateway as MonitoredGateway).url}${action.path}${query}`, {
      method: action.method,
      headers: { ...action.headers, ...presented.headers },
      ...(action.body !== undefined && { body: action.body }),
      signal: leaving.signal,
    })
    const { status, headers } = response
    if (!leaves) return { status, headers, text: await response.text(), hasLeft: false }
    let text = ''
    try {
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString()
        if (text.length > 100) leaving.abort()
      }
    } catch (error) {
      if (!leaving.signal.aborted) throw error
    }
    return { status, headers, text, hasLeft: leaving.signal.aborted }
  }

  #book(client: KnownClient, action: Action, got: Got): void {
    if (action.path.startsWith('/v1/files') || action.path.includes('/batches')) return
    const attempts = got.headers.get('x-spillway-attempts')
    if (attempts === null) return
    client.routed++
    if (attempts === '0') return
    // Counts of tokens are requests, too.
    client.counted++
    if (got.status === 200) client.served++
  }

  #learn(client: KnownClient, action: Action, text: string): void {
    if (action.makes === undefined) return
    let json: Readonly<Record<string, unknown>> = {}
    try {
      json = JSON.parse(text)
    } catch {
      // A stream.
    }
    for (const [kind, id] of action.makes(json, text)) this.#world.made(client, kind, id)
  }

  /** Every call is in the books of its client, and of nobody else. */
  async #checkBooks(): Promise<void> {
    const database = `sqlite:${this.#folder}/books.db`
    const clients = [...this.#world.clients, ...this.#world.gone]
    const expected = new Map(clients.map(({ name, routed }) => [name, routed]))
    const read = async (): Promise<Map<string, number>> =>
      new Map(
        (
          await queryLedger(
            database,
            "select tenant, count(*) as n from calls where operation <> 'batch' group by tenant",
          )
        ).map(({ tenant, n }) => [String(tenant), Number(n)]),
      )
    let booked = await read()
    const sum = (counts: ReadonlyMap<string, number>): number =>
      [...counts.values()].reduce((all, each) => all + each, 0)
    for (let tries = 0; tries < 40 && sum(booked) < sum(expected); tries++) {
      await pause(250)
      booked = await read()
    }
    for (const name of new Set([...booked.keys(), ...expected.keys()]))
      if ((booked.get(name) ?? 0) !== (expected.get(name) ?? 0))
        this.#found(
          'books: calls of a client',
          `${name}: ${booked.get(name) ?? 0} booked, ${expected.get(name) ?? 0} seen`,
        )
    this.#lines.push(
      `calls in the books, by client: ${sum(booked)} of ${sum(expected)}, of ${expected.size} clients`,
    )
  }

  /** Not one call more than a budget allows, and, where more were tried, not one less: what is refused costs nothing. */
  #checkBudgets(): void {
    for (const { name, settings, begun, served, counted } of this.#world.clients) {
      if (settings.limits === undefined) continue
      this.#lines.push(
        `budget of ${budget} requests of ${name}: ${counted} sent, ${served} served, ${begun} asked`,
      )
      if (counted > budget) this.#found('a budget is overshot', `${name}: ${counted} of ${budget}`)
      // What the vendor refuses was sent, and counts as a request.
      if (begun > 6 * budget && counted < budget)
        this.#found('a budget is lost', `${name}: ${counted} of ${budget}`)
    }
  }

  /** No key in a file, whatever it is, nor in metrics. */
  async #checkPlaces(): Promise<void> {
    for (const entry of readdirSync(this.#folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      let tail = ''
      for await (const chunk of createReadStream(join(entry.parentPath, entry.name))) {
        const text = tail + (chunk as Buffer).toString('latin1')
        if (anyKey.test(text) || text.includes(ownKey)) this.#found('a file has a key', entry.name)
        tail = text.slice(-60)
      }
    }
    const url = (this.#gateway as MonitoredGateway).url
    const key = this.#world.reader?.keys.at(-1)?.key ?? ''
    // Its key may have been rotated just now.
    await pause(1_500)
    const metrics = await (await fetch(`${url}/metrics`, { headers: { 'x-api-key': key } })).text()
    if (!metrics.includes('spillway_calls_total'))
      this.#found('/metrics cannot be read', metrics.slice(0, 300))
    if (anyKey.test(metrics) || metrics.includes(ownKey)) this.#found('/metrics has a key', '')
  }

  #found(problem: string, first: string): void {
    const kind = problem.replaceAll(/\d+/g, 'N').slice(0, 200)
    if (!this.#findings.has(kind)) this.#options.onFinding?.(problem, first)
    const known = this.#findings.get(kind) ?? { count: 0, first }
    known.count++
    this.#findings.set(kind, known)
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

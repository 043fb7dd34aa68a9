import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseConfig, startGateway } from '@spillway/gateway'
import { bookedAttempts } from '../booked-rows.ts'
import { attemptsOfTarget, chatModel, hedgedModel, planOf } from './call-plan.ts'
import { createCaller } from './caller.ts'
import { dashboardFigures } from './dashboard-figures.ts'
import { add, compare, type Figures, type Line } from './figures.ts'
import { apiFigures, metricsFigures } from './gateway-figures.ts'
import { ledgerFigures } from './ledger-figures.ts'
import { chatPrices } from './price.ts'
import { upstreamFigures } from './upstream-figures.ts'
import { startUpstreams, type Upstreams } from './upstream-record.ts'

export interface RunOptions {
  readonly calls: number
  readonly seed: number
  /** An empty PostgreSQL for the ledger. @default a file of SQLite */
  readonly postgres?: string | undefined
  /** Whether to look at the dashboard in Chromium as well. */
  readonly browser: boolean
  /**
   * How long the gateway waits before it hedges, in milliseconds: far longer than any answer takes that is not held. Where it is
   * shorter, hedges are cancelled before or while their answer comes, and how far it came is not known.
   * @default 600
   */
  readonly hedgeAfter?: number
  readonly onProgress?: ((line: string) => void) | undefined
}

export interface Run {
  readonly titles: readonly string[]
  readonly lines: readonly Line[]
  /** How many calls took each course. */
  readonly courses: ReadonlyMap<string, number>
}

const concurrency = 48
process.env.SPILLWAY_AGREEMENT_KEY = 'sk-of-the-gateway'

/** Sends a mix of calls through a gateway, and puts side by side what everybody says of it. */
export async function run({
  calls,
  seed,
  postgres,
  browser,
  hedgeAfter = 600,
  onProgress = () => {},
}: RunOptions): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-agreement-'))
  await using upstreams = await startUpstreams(seed, hedgeAfter)
  const storage = postgres ?? `sqlite:${join(folder, 'ledger.db')}`
  const { config } = parseConfig(
    JSON.stringify(configOf(upstreams, hedgeAfter, storage, join(folder, 'waiting'))),
    'agreement.json',
  )
  const gateway = await startGateway(config, { port: 0, log: () => {} })
  const caller = createCaller(gateway.url, upstreams, hedgeAfter)
  const courses = new Map<string, number>()
  try {
    let next = 0
    const work = async (): Promise<void> => {
      while (next < calls) {
        const plan = planOf(seed, next++)
        courses.set(plan.course, (courses.get(plan.course) ?? 0) + 1)
        if (next % 1000 === 0) onProgress(`${next} of ${calls} calls`)
        await caller.call(plan)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, work))
    await settled(upstreams, storage, gateway.url)
    const named: [string, Figures][] = [
      ['upstream', upstreamFigures(upstreams.seen)],
      ['ledger', await ledgerFigures(storage)],
      ['/api', await apiFigures(gateway.url)],
      ['/metrics', await metricsFigures(gateway.url)],
    ]
    if (browser) named.push(['dashboard', await dashboardFigures(gateway.url)])
    addInputWithCache(named.map(([, figures]) => figures))
    return {
      titles: named.map(([title]) => title),
      lines: compare(named.map(([, figures]) => figures)),
      courses,
    }
  } finally {
    caller.close()
    await gateway.close(0)
    await rm(folder, { recursive: true, force: true })
  }
}

/** The dashboard tells input with the cached part of it. */
function addInputWithCache(all: readonly Figures[]): void {
  for (const figures of all) {
    for (const kind of ['all', 'estimated']) {
      const of = (type: string): bigint => figures.get(`${kind} tokens: ${type}`) ?? 0n
      if (!figures.has(`${kind} tokens: input`)) continue
      const name = `${kind} tokens, cached ones as input`
      add(figures, `${name}: input`, of('input') + of('cache_read') + of('cache_write'))
      add(figures, `${name}: output`, of('output'))
    }
  }
}

/** Waits until nothing comes any more: mirrors are asked behind the calls, and cancelled attempts end a little later. */
async function settled(upstreams: Upstreams, storage: string, url: string): Promise<void> {
  let before = -1
  for (let quiet = 0; quiet < 4; ) {
    await pause(250)
    // The ledger writes what waits before it answers.
    await (await fetch(`${url}/api/summary?range=1h`)).arrayBuffer()
    const now = upstreams.seen.length * 1e6 + (await bookedAttempts(storage))
    quiet = now === before ? quiet + 1 : 0
    before = now
  }
}

function configOf(
  { claude, hedged, chat, router, candidate }: Upstreams,
  hedgeAfter: number,
  storage: string,
  journal: string,
): object {
  const credential = 'env:SPILLWAY_AGREEMENT_KEY'
  return {
    targets: {
      claude: {
        api: 'anthropic',
        endpoints: claude.map(({ url }) => ({ url, credential })),
      },
      hedged: {
        api: 'anthropic',
        endpoints: hedged.map(({ url }) => ({ url, credential })),
        routing: { hedge: { after: `${hedgeAfter}ms`, maxExtra: 1 } },
      },
      chat: {
        api: 'openai',
        endpoints: chat.map(({ url }) => ({ url, credential })),
        prices: [{ models: ['*'], ...chatPrices }],
      },
      router: { api: 'openrouter', endpoints: [{ url: `${router.url}/api`, credential }] },
      candidate: {
        api: 'anthropic',
        endpoints: [{ url: candidate.url, credential }],
        retry: { attempts: 1 },
      },
    },
    routes: [
      { models: hedgedModel, target: 'hedged', fallback: ['router'] },
      { models: chatModel, target: 'chat', fallback: ['router'] },
      { models: '*', target: 'claude', fallback: ['router'] },
    ],
    mirror: [{ from: 'claude', to: 'candidate', sample: 0.3, concurrency: 64, callsPerMinute: 1_000_000 }],
    retry: { attempts: attemptsOfTarget, baseDelay: '1ms', maxDelay: '5ms', budget: 1 },
    // Nothing is to stand between the calls and their faults.
    circuitBreaker: { enabled: false },
    storage: { url: storage, journal },
  }
}

import type { Keys, Targets } from '@spillway/gateway-api'
import type { Vault } from '@spillway/key-vault'
import { type Middleware, systemClock } from '@spillway/middleware'
import { backgroundClock } from '@spillway/middleware/kit'
import type { Incident } from '../alerts/incident.ts'
import { worstOf } from '../alerts/incidents.ts'
import { type BudgetListSources, budgetList } from '../budgets/budget-list.ts'
import type { OpenClients } from '../clients/open-clients.ts'
import type { Config } from '../config/config.ts'
import { omitUndefined } from '../config/omit-undefined.ts'
import { actEntry, callEntry } from '../ledger/audit-entries.ts'
import type { Books } from '../ledger/books.ts'
import { changesOfCalls } from '../ledger/changes.ts'
import type { RunningMirror } from '../routes.ts'
import type { SharedState } from '../shared-state.ts'
import type { RunningTarget } from '../targets.ts'
import { asOne } from '../workers/as-one.ts'
import type { Colleagues } from '../workers/colleagues.ts'
import type { ApiSources } from './api-server.ts'
import { readAudit } from './audit-view.ts'
import { CallContents, keepContents } from './call-contents.ts'
import { CallNotes } from './call-notes.ts'
import { observeCalls } from './finished-calls.ts'
import { ledgerViews } from './ledger-views.ts'
import { LiveEvents, type LiveSharing } from './live-events.ts'
import type { ConfiguredMirror } from './mirror-view.ts'
import { sharedReads } from './shared-reads.ts'
import { spanIfAsked } from './spans.ts'
import { openLimits, watchTargets } from './targets-view.ts'
import { tenantNames } from './tenant-names.ts'

export interface Observed {
  /** As it is now. */
  readonly config: () => Config
  readonly targets: ReadonlyMap<string, RunningTarget>
  readonly mirrors: readonly RunningMirror[]
  readonly books: Books
  readonly vault: Vault | undefined
  readonly shared: SharedState | undefined
  /** Where several processes serve as one gateway. */
  readonly sharing?: LiveSharing | undefined
  readonly budgets: Omit<BudgetListSources, 'store' | 'names'>
  /** What needs a person now. */
  readonly incidents: (view: Targets) => readonly Incident[]
  /** Undefined where callers present no keys. */
  readonly known: OpenClients | undefined
  readonly log: (line: string) => void
  /** The other workers of this gateway; undefined where it is one process. */
  readonly colleagues: Colleagues | undefined
}

/** What `/api` reads from a running gateway, and the middlewares by which it hears of calls. */
export function openApiSources(observed: Observed): {
  sources: ApiSources
  calls: readonly Middleware[]
  /** Watches the circuits of a target that was opened later. */
  follow: (target: RunningTarget) => void
  /** As `/api/targets` has them. */
  targets: () => Targets
} {
  const { config, targets, mirrors, books, vault, shared, known, log } = observed
  const live = new LiveEvents({ ...omitUndefined({ ...config().server.live }), sharing: observed.sharing })
  const reads = sharedReads()
  const notes = new CallNotes()
  const { captureContent = false, maxContentLength = Infinity } = config().telemetry ?? {}
  const contents = captureContent ? new CallContents(maxContentLength) : undefined
  const names = tenantNames(config)
  const calls = observeCalls({
    names,
    onCall(call) {
      notes.add(call)
      books.audit?.record(callEntry(call))
      live.send('call', call.row)
    },
    onEvent: changesOfCalls(targets, backgroundClock, (row) => books.book([{ table: 'changes', row }])),
  })
  const watched = watchTargets(config, targets, shared, (change) => live.send('circuit', change))
  const whole = asOne(
    {
      targets: watched.read,
      incidents: () => observed.incidents(watched.read()),
      noteOf: (call) => notes.of(call),
      contentOf: (call) => contents?.of(call),
      openLimits: (target, endpoint) => openLimits(targets, target, endpoint),
    },
    observed.colleagues,
  )
  const sources: ApiSources = {
    clients: known && {
      ...{ ...known, clock: systemClock, isAsked: config().server.auth === 'keys' },
      note: (by, action, details) => void books.audit?.record(actEntry(by, action, details)),
    },
    views: ledgerViews(
      books,
      reads,
      () => Date.now(),
      whole.noteOf,
      async (id) => contents !== undefined && (await whole.hasContent(id)),
      names,
    ),
    targets: whole.targets,
    alerts: async () => ({ at: Date.now(), alerts: worstOf(await whole.incidents()) }),
    async openLimits(target, endpoint, by) {
      await whole.openLimits(target, endpoint)
      const subject = endpoint === undefined ? `${target}` : `${target}/${endpoint}`
      books.audit?.record(actEntry(by, 'limits.opened', { subject }))
    },
    keys: () => reads('keys', () => keysOf(vault)),
    budgets: (limit) =>
      reads(`budgets ${limit}`, () => budgetList({ ...observed.budgets, store: books.store, names }, limit)),
    mirrors: () => mirrors.map(configuredMirror),
    audit({ range: name, from, to, format: _, ...filter }) {
      const range = spanIfAsked({ range: name, from, to }, Date.now())
      return reads(JSON.stringify(['audit', filter, range]), () =>
        readAudit(books.store.audit, { ...filter, range }, names),
      )
    },
    async content(id, by) {
      const content = contents && (await whole.contentOf(id))
      if (content !== undefined) books.audit?.record(actEntry(by, 'content.read', { subject: id }))
      return content
    },
    live,
    log,
  }
  return {
    sources,
    calls: contents === undefined ? [calls] : [calls, keepContents(contents)],
    follow: watched.follow,
    targets: watched.read,
  }
}

function configuredMirror({ from, to, sample, mirror }: RunningMirror): ConfiguredMirror {
  const dropped = Object.values(mirror.stats().dropped).reduce((sum, count) => sum + count, 0)
  return { from, to, sample, dropped }
}

async function keysOf(vault: Vault | undefined): Promise<Keys> {
  const versions = (await vault?.list()) ?? []
  return {
    keys: versions.map(
      ({ name, version, state, createdAt, lastUsedAt = null, fingerprint, environment }) => ({
        ...{ name, version, state, createdAt, lastUsedAt, fingerprint, environment },
      }),
    ),
  }
}

import type { Budgets } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useResource } from '../api/use-resource.ts'
import { type Budget, budgetAmount, exactAmount, leftOf } from '../format/budget.ts'
import { full, percent } from '../format/number.ts'
import { duration } from '../format/time.ts'
import { place, setSearch } from '../place.ts'
import { formatPlace } from '../routing.ts'
import { Badge, type Tone } from '../ui/badge.tsx'
import { Empty } from '../ui/empty.tsx'
import { Export } from '../ui/export.tsx'
import { Filter } from '../ui/filter.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { ShareBar } from '../ui/meter.tsx'
import { Panel } from '../ui/panel.tsx'
import { Segments } from '../ui/segments.tsx'
import { Stat, Stats } from '../ui/stat.tsx'
import { Table } from '../ui/table.tsx'
import { Time } from '../ui/time.tsx'

const scopes = [
  ['any', 'Any'],
  ['all', 'Everyone'],
  ['team', 'Teams'],
  ['client', 'Clients'],
] as const

const tones: Readonly<Record<Budget['level'], Tone>> = { ok: 'good', warned: 'warn', spent: 'bad' }
const levels: Readonly<Record<Budget['level'], string>> = { ok: 'ok', warned: 'near', spent: 'spent' }

/** What may be spent in the current periods, what is left of it, and who is near the end. */
export function BudgetsView(): JSX.Element {
  const { search } = place.value
  const scope = scopes.find(([each]) => each === search.scope)?.[0] ?? 'any'
  const parameters = { limit: '1000' }
  const budgets = useResource<Budgets>(apiPath('budgets', parameters), 10_000)
  const wanted = search.query?.toLowerCase()
  const isShown = ({ scope: of, name, tenantName, team }: Budget): boolean =>
    (scope === 'any' || of === scope) &&
    (wanted === undefined || [name, tenantName, team].some((text) => text?.toLowerCase().includes(wanted)))
  return (
    <Loaded of={budgets}>
      {({ budgets: all, more, at }) =>
        all.length === 0 ? (
          <NoBudgets />
        ) : (
          <>
            <Totals all={all} more={more} />
            <Segments
              label="Whose"
              options={scopes}
              value={scope}
              onChange={(next) => setSearch('scope', next === 'any' ? undefined : next)}
            />
            <Panel
              title="Current periods"
              note="Days, weeks from Monday and months in UTC. What calls in flight may use is reserved until they are over."
              aside={<Export path="budgets" parameters={parameters} />}
            >
              <form class="filters" onSubmit={(event) => event.preventDefault()}>
                <Filter name="query" label="Search" isSearch placeholder="client or team" />
              </form>
              <Rows rows={all.filter(isShown)} at={at} />
            </Panel>
          </>
        )
      }
    </Loaded>
  )
}

function Totals({ all, more }: { readonly all: readonly Budget[]; readonly more: number }): JSX.Element {
  const count = (level: Budget['level']): number => all.filter((budget) => budget.level === level).length
  const [spent, near] = [count('spent'), count('warned')]
  const refused = all.filter(({ level, hard }) => level === 'spent' && hard).length
  return (
    <Stats>
      <Stat
        label="Spent"
        value={full(spent)}
        tone={spent > 0 ? 'bad' : undefined}
        detail={refused > 0 ? `${full(refused)} of these refuse calls` : 'no call is refused'}
      />
      <Stat label="Near the limit" value={full(near)} tone={near > 0 ? 'warn' : undefined} />
      <Stat label="Budgets" value={full(all.length + more)} />
    </Stats>
  )
}

function Rows({ rows, at }: { readonly rows: readonly Budget[]; readonly at: number }): JSX.Element {
  if (rows.length === 0) return <p class="quiet">No budget matches.</p>
  return (
    <Table
      caption="Budgets, those of which most is used first"
      rows={rows}
      rowKey={({ scope, name, unit, period, hard, amount }) =>
        JSON.stringify([scope, name, unit, period, hard, amount])
      }
      columns={[
        { title: 'Whose', cell: (budget) => <Whose budget={budget} /> },
        {
          title: 'Left',
          numeric: true,
          cell: (budget) => (
            <span title={exactAmount(budget.unit, leftOf(budget))}>
              {budgetAmount(budget.unit, leftOf(budget))}
            </span>
          ),
        },
        {
          title: 'Used',
          cell: ({ share, level, used, unit }) => (
            <span class="with-share" title={exactAmount(unit, used)}>
              <Badge tone={tones[level]}>{levels[level]}</Badge>
              <span class="wide">
                <ShareBar share={share} />
              </span>
              <span class="numbers">{percent(share)}</span>
            </span>
          ),
        },
        {
          title: 'Limit',
          numeric: true,
          from: 'tablet',
          cell: ({ unit, amount, period, hard }) => (
            <span title={exactAmount(unit, amount)}>
              {budgetAmount(unit, amount)} a {period}
              {!hard && <span class="quiet"> only warns</span>}
            </span>
          ),
        },
        {
          title: 'Reserved',
          numeric: true,
          from: 'desktop',
          cell: ({ unit, reserved }) => (reserved === '0' ? '–' : budgetAmount(unit, reserved)),
        },
        {
          title: 'Resets',
          numeric: true,
          cell: ({ resetsAt }) => (
            <>
              in {duration(Math.max(0, resetsAt - at))}
              <span class="quiet widest">
                {', '}
                <Time at={resetsAt} />
              </span>
            </>
          ),
        },
      ]}
    />
  )
}

/** A client leads to its calls of the period; a team and everyone have no filter. */
function Whose({ budget }: { readonly budget: Budget }): JSX.Element {
  const { scope, name, tenantName, team, startsAt, resetsAt } = budget
  if (scope === 'all') return <b>everyone</b>
  if (scope === 'team')
    return (
      <>
        <b>{name}</b> <span class="quiet">team</span>
      </>
    )
  const { range } = place.value
  const span = { from: startsAt, to: resetsAt }
  const tenant = name === 'nobody' ? '(none)' : (name ?? '')
  return (
    <>
      <a
        class="row-link"
        title={tenantName === null ? undefined : (name ?? undefined)}
        href={formatPlace({ view: 'calls', range, span, search: { tenant } })}
      >
        {tenantName ?? (name === 'nobody' ? 'no key' : name)}
      </a>
      {team !== null && <span class="quiet"> {team}</span>}
    </>
  )
}

function NoBudgets(): JSX.Element {
  return (
    <Empty
      title="No budgets"
      where="In spillway.yaml, or for one client with spillway clients set NAME --limit"
      code={'budgets:\n  all: [usd=5000/month]\n  eachClient: ["usd=50/month,warn=90%"]'}
    >
      A budget bounds requests, tokens or dollars of everyone, of a team or of a client, by the minute, day,
      week and month.
    </Empty>
  )
}

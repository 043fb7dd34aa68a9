import type { Budgets, Clients as ClientsAnswer, ClientView, ClientWithKey } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { apiPath } from '../../api/read-api.ts'
import { useResource } from '../../api/use-resource.ts'
import { type Budget, budgetAmount } from '../../format/budget.ts'
import { percent } from '../../format/number.ts'
import { ago } from '../../format/time.ts'
import { place } from '../../place.ts'
import { formatPlace } from '../../routing.ts'
import { act, may } from '../../session/session.ts'
import { Badge, type Tone } from '../../ui/badge.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Panel } from '../../ui/panel.tsx'
import { Table } from '../../ui/table.tsx'
import { Time } from '../../ui/time.tsx'
import { ClientForm } from './client-form.tsx'
import { NewKey } from './new-key.tsx'
import { Revoke } from './revoke.tsx'
import { Rotate } from './rotate.tsx'

const tones: Readonly<Record<ClientView['state'], Tone>> = {
  active: 'good',
  expired: 'warn',
  revoked: 'plain',
}

/** What is open over the list. */
type Open =
  | { readonly act: 'add' }
  | { readonly act: 'change' | 'rotate' | 'revoke'; readonly client: ClientView }
  | { readonly act: 'key'; readonly made: ClientWithKey }

/** Who may call, and what each may do. */
export function Clients(): JSX.Element {
  const clients = useResource<ClientsAnswer>(apiPath('clients'), 30_000)
  const budgets = useResource<Budgets>(apiPath('budgets', { limit: '1000' }), 30_000)
  const [open, setOpen] = useState<Open>()
  const close = (): void => setOpen(undefined)
  const isAllowed = may('admin:write')
  const done = (next?: Open): void => {
    setOpen(next)
    clients.reload()
  }
  return (
    <Loaded of={clients}>
      {(data) => (
        <>
          {!data.isAsked && <NotAsked />}
          {(data.isAsked || data.clients.length > 0) && (
            <Panel
              title="Clients"
              note={
                isAllowed ? undefined : 'Adding and changing clients requires the permission admin:write.'
              }
              aside={
                <button type="button" disabled={!isAllowed} onClick={() => setOpen({ act: 'add' })}>
                  Add a client
                </button>
              }
            >
              {data.clients.length === 0 ? (
                <p class="quiet">No clients yet, so every call is refused.</p>
              ) : (
                <ClientTable
                  clients={data.clients}
                  budgets={budgets.data?.budgets ?? []}
                  isAllowed={isAllowed}
                  onOpen={setOpen}
                />
              )}
            </Panel>
          )}
          {(open?.act === 'add' || open?.act === 'change') && (
            <ClientForm
              permissions={data.permissions}
              client={open.act === 'change' ? open.client : undefined}
              onClose={close}
              onSave={async (name, settings) => {
                if (open.act === 'add')
                  return done({ act: 'key', made: await act('POST', 'api/clients', { name, ...settings }) })
                await act('PATCH', pathOf(name), settings, { 'if-match': `"${open.client.revision}"` })
                done()
              }}
            />
          )}
          {open?.act === 'rotate' && (
            <Rotate
              client={open.client}
              onClose={close}
              onRotate={async (overlap) =>
                done({
                  act: 'key',
                  made: await act('POST', `${pathOf(open.client.name)}/rotate`, { overlap }),
                })
              }
            />
          )}
          {open?.act === 'revoke' && (
            <Revoke
              name={open.client.name}
              onClose={close}
              onRevoke={async () => {
                await act('POST', `${pathOf(open.client.name)}/revoke`)
                done()
              }}
            />
          )}
          {open?.act === 'key' && <NewKey made={open.made} onClose={close} />}
        </>
      )}
    </Loaded>
  )
}

const pathOf = (name: string): string => `api/clients/${encodeURIComponent(name)}`

function NotAsked(): JSX.Element {
  return (
    <Empty title="Calls need no key here" where="In spillway.yaml" code={'server:\n  auth: keys'}>
      Anyone who reaches the port may call. With auth: keys each client has a key, permissions and books of
      its own.
    </Empty>
  )
}

interface ClientTableProps {
  readonly clients: readonly ClientView[]
  /** Those of which most is used first. */
  readonly budgets: readonly Budget[]
  readonly isAllowed: boolean
  readonly onOpen: (open: Open) => void
}

function ClientTable({ clients, budgets, isAllowed, onOpen }: ClientTableProps): JSX.Element {
  const { range, span } = place.value
  const now = Date.now()
  // Those that can be used first, by name.
  const rows = [...clients].sort(
    (a, b) => Number(a.state === 'revoked') - Number(b.state === 'revoked') || a.name.localeCompare(b.name),
  )
  return (
    <Table
      caption="Clients"
      rows={rows}
      rowKey={({ name }) => name}
      columns={[
        {
          title: 'Name',
          cell: ({ name, team }) => (
            <>
              <a
                class="row-link"
                href={formatPlace({ view: 'calls', range, span, search: { tenant: name } })}
              >
                <b>{name}</b>
              </a>
              {team !== null && <span class="under">{team}</span>}
            </>
          ),
        },
        { title: 'State', cell: ({ state }) => <Badge tone={tones[state]}>{state}</Badge> },
        {
          title: 'May',
          from: 'tablet',
          cell: ({ permissions, models, maxTokens }) => (
            <>
              {permissions.join(', ') || 'nothing'}
              {(models !== null || maxTokens !== null) && (
                <span class="under">
                  {[models?.join(', '), maxTokens !== null && `up to ${maxTokens} tokens`]
                    .filter(Boolean)
                    .join('; ')}
                </span>
              )}
            </>
          ),
        },
        {
          title: 'Budget',
          from: 'tablet',
          cell: ({ name }) => (
            <BudgetOf budget={budgets.find((each) => each.scope === 'client' && each.name === name)} />
          ),
        },
        {
          title: 'Expires',
          from: 'tablet',
          cell: ({ expiresAt }) =>
            expiresAt === null ? <span class="quiet">never</span> : <Time at={expiresAt} />,
        },
        {
          title: 'Last used',
          from: 'tablet',
          cell: ({ lastUsedAt }) =>
            lastUsedAt === null ? (
              <span class="quiet">not since the gateway started</span>
            ) : (
              ago(lastUsedAt, now)
            ),
        },
        { title: 'Key', from: 'desktop', cell: ({ keys }) => <Keys keys={keys} now={now} /> },
        {
          title: 'Acts',
          cell: (client) =>
            client.state === 'revoked' ? null : (
              <span class="acts">
                {(['change', 'rotate', 'revoke'] as const).map((each) => (
                  <button
                    key={each}
                    type="button"
                    aria-label={`${titles[each]} ${client.name}`}
                    disabled={!isAllowed}
                    onClick={() => onOpen({ act: each, client })}
                  >
                    {titles[each]}
                  </button>
                ))}
              </span>
            ),
        },
      ]}
    />
  )
}

/** The budget of which a client has used most. */
function BudgetOf({ budget }: { readonly budget: Budget | undefined }): JSX.Element {
  if (budget === undefined) return <span class="quiet">none</span>
  const { name, share, level, unit, amount, period } = budget
  const { range } = place.value
  return (
    <>
      <a
        href={formatPlace({ view: 'budgets', range, search: { query: name ?? '' } })}
        aria-label={`${percent(share)} used of the budget of ${name}`}
      >
        {percent(share)} used
      </a>{' '}
      {level !== 'ok' && (
        <Badge tone={level === 'spent' ? 'bad' : 'warn'}>{level === 'spent' ? 'spent' : 'near'}</Badge>
      )}
      <span class="under">
        of {budgetAmount(unit, amount)} a {period}
      </span>
    </>
  )
}

const titles = { change: 'Change', rotate: 'Rotate', revoke: 'Revoke' } as const

function Keys({ keys, now }: { readonly keys: ClientView['keys']; readonly now: number }): JSX.Element {
  const [newest, ...older] = keys.filter(({ until }) => until === null || until > now)
  return (
    <>
      <span class="model">{newest === undefined ? 'none' : `${newest.prefix}…`}</span>
      {older.length > 0 && <span class="under">and {older.length} that ends</span>}
    </>
  )
}

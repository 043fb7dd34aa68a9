import type { Keys as KeysAnswer } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useResource } from '../api/use-resource.ts'
import { ago } from '../format/time.ts'
import { Badge, type Tone } from '../ui/badge.tsx'
import { Empty } from '../ui/empty.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Panel } from '../ui/panel.tsx'
import { Table } from '../ui/table.tsx'
import { Time } from '../ui/time.tsx'

const tones: Readonly<Record<string, Tone>> = {
  active: 'good',
  next: 'warn',
  retiring: 'warn',
}

/** The versions of the vault's keys. Values never leave the vault. */
export function Keys(): JSX.Element {
  const keys = useResource<KeysAnswer>(apiPath('keys'), 30_000)
  const now = Date.now()
  return (
    <Loaded of={keys}>
      {(data) =>
        data.keys.length === 0 ? (
          <Empty title="No keys in the vault" code="spillway link claude --tier pro">
            This asks for a key, verifies it, stores it encrypted, and writes its target into spillway.yaml. A
            running gateway follows within a second.
          </Empty>
        ) : (
          <Panel title="Versions" note="Fingerprints tell keys apart. The keys themselves are shown nowhere.">
            <Table
              caption="Versions of keys"
              rows={data.keys}
              rowKey={({ name, version, environment }) => `${environment} ${name} ${version}`}
              columns={[
                { title: 'Name', cell: ({ name }) => <b>{name}</b> },
                { title: 'Version', numeric: true, cell: ({ version }) => version },
                {
                  title: 'State',
                  cell: ({ state }) => <Badge tone={tones[state] ?? 'plain'}>{state}</Badge>,
                },
                {
                  title: 'Last use',
                  cell: ({ lastUsedAt }) =>
                    lastUsedAt === null ? <span class="quiet">never</span> : ago(lastUsedAt, now),
                },
                { title: 'Created', from: 'tablet', cell: ({ createdAt }) => <Time at={createdAt} /> },
                {
                  title: 'Fingerprint',
                  from: 'tablet',
                  cell: ({ fingerprint }) => <span class="model">{fingerprint}</span>,
                },
                { title: 'Environment', from: 'tablet', cell: ({ environment }) => environment },
              ]}
            />
          </Panel>
        )
      }
    </Loaded>
  )
}

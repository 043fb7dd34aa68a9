import type {
  ClientDocument,
  ClientSettings,
  StoredClient,
  StoredKey,
  StoredTeam,
} from './client-document.ts'
import { ClientsError } from './clients-error.ts'

/** Keys of one client that may overlap at a time. */
const mostKeys = 5

/** Clients in one installation. */
const mostClients = 100_000

/** What is needed of a new key. */
export type NewKey = Pick<StoredKey, 'hash' | 'prefix'>

/** With another client. @throws ClientsError where there is one of this name */
export function added(
  document: ClientDocument,
  name: string,
  settings: ClientSettings,
  key: NewKey,
  now: number,
): ClientDocument {
  const known = clientIn(document, name)
  if (known?.revokedAt !== undefined)
    throw new ClientsError(
      `${name} is revoked, and the ledger has its calls under this name: choose another one`,
      'conflict',
    )
  if (known !== undefined)
    throw new ClientsError(
      `there is a client called ${name} already: "spillway clients rotate ${name}" gives it a new key, "set" changes it`,
      'conflict',
    )
  if (Object.keys(document.clients).length >= mostClients)
    throw new ClientsError(`there are ${mostClients} clients, which is the most`, 'conflict')
  return withClient(document, name, { ...settings, createdAt: now, keys: [{ ...key, createdAt: now }] })
}

/** With other settings of a client; those that are undefined are removed. @throws ClientsError */
export function changed(
  document: ClientDocument,
  name: string,
  settings: Partial<ClientSettings>,
): ClientDocument {
  return withClient(document, name, { ...usable(document, name), ...settings })
}

/** Teams of which something is set. */
const mostTeams = 10_000

/** With other settings of a team, which need not be there yet. @throws ClientsError */
export function teamChanged(
  document: ClientDocument,
  name: string,
  change: (team: StoredTeam) => StoredTeam,
): ClientDocument {
  const { teams = {} } = document
  const before = Object.hasOwn(teams, name) ? (teams[name] ?? {}) : {}
  if (Object.keys(teams).length >= mostTeams && !Object.hasOwn(teams, name))
    throw new ClientsError(`there are ${mostTeams} teams, which is the most`)
  return { ...document, teams: { ...teams, [name]: change(before) } }
}

/** With a new key of a client; the others end when the overlap, in milliseconds, is over. @throws ClientsError */
export function rotated(
  document: ClientDocument,
  name: string,
  key: NewKey,
  { overlap, now }: { readonly overlap: number; readonly now: number },
): ClientDocument {
  const client = usable(document, name)
  const until = now + overlap
  const others = client.keys
    .filter((old) => old.until === undefined || old.until > now)
    .map((old) => ({ ...old, until: Math.min(old.until ?? until, until) }))
    .filter((old) => old.until > now)
  if (others.length >= mostKeys)
    throw new ClientsError(
      `${name} has ${others.length} keys that still overlap: wait until one has ended, or give --overlap 0s`,
      'conflict',
    )
  return withClient(document, name, { ...client, keys: [{ ...key, createdAt: now }, ...others] })
}

/** Without any key of a client, whose name stays. @throws ClientsError */
export function revoked(document: ClientDocument, name: string, now: number): ClientDocument {
  const client = found(document, name)
  return client.revokedAt === undefined ? withClient(document, name, { ...client, revokedAt: now }) : document
}

/** @throws ClientsError where there is none */
export function found(document: ClientDocument, name: string): StoredClient {
  const client = clientIn(document, name)
  if (client !== undefined) return client
  throw new ClientsError(
    `there is no client called ${name}: "spillway clients list" shows those there are`,
    'missing',
  )
}

function usable(document: ClientDocument, name: string): StoredClient {
  const client = found(document, name)
  if (client.revokedAt === undefined) return client
  throw new ClientsError(`${name} is revoked for good: add a client with another name`, 'conflict')
}

const clientIn = ({ clients }: ClientDocument, name: string): StoredClient | undefined =>
  Object.hasOwn(clients, name) ? clients[name] : undefined

const withClient = (document: ClientDocument, name: string, client: StoredClient): ClientDocument => ({
  ...document,
  clients: { ...document.clients, [name]: client },
})

/** How long it is known who was signed out: longer than anything lasts that they have signed in to. */
const signedOutFor = 400 * 86_400_000
const mostSignedOut = 20_000

/** What a session is called among those that were signed out; no name of a person or service begins so. */
export const sessionName = (id: string): string => `session:${id}`

/** Refuses tokens from before now, of a person, a service or a session. */
export function signedOut(document: ClientDocument, name: string, now: number): ClientDocument {
  const others = Object.entries(document.signedOut ?? {})
    .filter(([each, at]) => each !== name && at > now - signedOutFor)
    .slice(-mostSignedOut)
  return { ...document, signedOut: Object.fromEntries([...others, [name, now]]) }
}

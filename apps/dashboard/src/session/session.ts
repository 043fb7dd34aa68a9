import { type ReadonlySignal, signal } from '@preact/signals'
import type { Login } from '@spillway/gateway-api'
import { ApiProblem, onUnauthorised, readApi } from '../api/read-api.ts'

const known = signal<Login | undefined>()

/** Who is logged in, and whether anyone has to be; undefined until the gateway has said so. */
export const session: ReadonlySignal<Login | undefined> = known

export type OperatorPermission = 'metrics' | 'admin:read' | 'admin:write' | 'admin:content'

/** Whether the reader may do something. */
export const may = (permission: OperatorPermission): boolean =>
  known.value?.operator?.permissions.includes(permission) === true

/** Asks the gateway. @throws ApiProblem */
export async function askWho(): Promise<void> {
  known.value = await readApi<Login>('api/login', new AbortController().signal)
  // A page that was left open shows nothing of what it had read once its session has ended.
  const isIn = known.peek()?.operator !== null
  onUnauthorised(() => isIn && location.reload())
}

/**
 * Logs in with a key, or with the code of a link.
 * @throws ApiProblem
 */
export async function logIn(credential: { readonly key: string } | { readonly code: string }): Promise<void> {
  await act('POST', 'api/login', credential)
  await askWho()
  if (known.peek()?.operator === null)
    throw new ApiProblem(
      'The gateway has logged you in, and this browser has not kept its cookie. Behind a proxy with TLS, the page has to be opened over https.',
    )
}

/** Ends the session, and forgets all that this page has read. */
export async function logOut(): Promise<void> {
  await act('POST', 'api/logout').catch(() => {})
  location.reload()
}

/**
 * Does something below `/api`, and reads what it answers.
 * @throws ApiProblem
 */
export function act<T>(
  method: 'POST' | 'PATCH',
  path: string,
  body: object = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const csrf = known.peek()?.operator?.csrf
  return readApi<T>(path, new AbortController().signal, {
    method,
    body: JSON.stringify(body),
    headers: {
      'content-type': 'application/json',
      ...(csrf && { 'x-spillway-csrf': csrf }),
      ...headers,
    },
  })
}

/** Why the API did not answer, in words for the reader. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  /** The HTTP status; undefined where the gateway was not reached. */
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

let hearUnauthorised: () => unknown = () => {}

/** Calls back when the gateway no longer knows who asks. */
export function onUnauthorised(listener: () => unknown): void {
  hearUnauthorised = listener
}

/**
 * Reads one answer of the API.
 * @param path relative to the page, such as `api/summary?range=24h`
 * @throws ApiProblem; or what `signal` was aborted with
 */
export async function readApi<T>(path: string, signal: AbortSignal, init: RequestInit = {}): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, {
      ...{ ...init, signal },
      headers: { accept: 'application/json', ...(init.headers as Record<string, string>) },
    })
  } catch (error) {
    if (signal.aborted) throw error
    throw new ApiProblem('The gateway cannot be reached.')
  }
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok && body !== undefined) return body as T
  signal.throwIfAborted()
  if (response.status === 401) hearUnauthorised()
  if (response.ok) throw new ApiProblem('The gateway’s answer is not JSON.', response.status)
  throw new ApiProblem(messageOf(body) ?? `The gateway answered with ${response.status}.`, response.status)
}

/** The message of an error body, in either of the usual forms. */
function messageOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined
  const { error } = body
  if (typeof error === 'string') return error
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined
  return typeof error.message === 'string' ? error.message : undefined
}

/** A path with those parameters that are set. */
export function apiPath(name: string, parameters: Readonly<Record<string, string | undefined>> = {}): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') query.set(key, value)
  }
  const text = query.toString()
  return `api/${name}${text === '' ? '' : `?${text}`}`
}

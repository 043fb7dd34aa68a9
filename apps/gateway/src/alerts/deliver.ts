import type { Clock } from '@spillway/middleware'
import { within } from '../api/within.ts'

/** How a receiver has answered. */
export type Delivery =
  | { readonly is: 'taken'; readonly status: number }
  /** Not taken; trying again may help. */
  | { readonly is: 'failed'; readonly problem: string; readonly retryAfterMs?: number | undefined }
  /** The message itself is refused: the same again would be too. */
  | { readonly is: 'refused'; readonly problem: string }

/** How long a receiver may take for an answer, in milliseconds. */
export const deliveryTimeout = 15_000

/** Bytes of an answer that are read, for the word in it that says why. */
const mostRead = 1_024

export interface Posting {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly fetch: typeof fetch
  readonly clock: Clock
}

/**
 * Posts one message. Never rejects, follows no redirect, and says nothing of an answer but its status and a word of it: what an
 * address leads to is not shown to those who read the log.
 */
export async function deliver({ url, headers, body, fetch, clock }: Posting): Promise<Delivery> {
  const ended = new AbortController()
  const late = new Error(`no answer within ${deliveryTimeout / 1_000} s`)
  try {
    const posting = fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', 'user-agent': 'spillway', ...headers },
      body,
      signal: ended.signal,
    }).then(async (response) => ({ response, word: await wordOf(response) }))
    posting.catch(() => {})
    const { response, word } = await within(
      deliveryTimeout,
      posting,
      () => {
        throw late
      },
      clock,
    )
    return judged(response, word)
  } catch (error) {
    return { is: 'failed', problem: error === late ? late.message : reasonOf(error) }
  } finally {
    ended.abort()
  }
}

/** Statuses that say that this message will never be taken. */
const refusals: ReadonlySet<number> = new Set([400, 413, 415, 422])

function judged({ status, headers }: Response, word: string | undefined): Delivery {
  if (status >= 200 && status < 300) return { is: 'taken', status }
  const said = word === undefined ? '' : ` ${word}`
  if (status >= 300 && status < 400)
    return {
      is: 'failed',
      problem: `HTTP ${status}: redirects are not followed; give the address that it leads to`,
    }
  const problem = `HTTP ${status}${said}${adviceFor(status, word)}`
  if (refusals.has(status)) return { is: 'refused', problem }
  // Whoever is gone is asked seldom, and not never: the address may be given to another.
  const retryAfterMs = status === 410 ? longestWait : retryAfterOf(headers.get('retry-after'))
  return { is: 'failed', problem, retryAfterMs }
}

/** What Slack means by its words, and what to do. */
const meanings: Readonly<Record<string, string>> = {
  no_service: 'the webhook was removed or disabled: make another one',
  no_team: 'the workspace is gone',
  invalid_token: 'the address is wrong or was replaced: copy it again',
  channel_not_found: 'its channel is gone: make a webhook for another one',
  channel_is_archived: 'its channel is archived: make a webhook for another one',
  action_prohibited: 'an administrator of the workspace does not let it post there',
  posting_to_general_channel_denied: 'the workspace lets few post in this channel',
  team_disabled: 'the workspace is disabled',
}

function adviceFor(status: number, word: string | undefined): string {
  const meaning = word === undefined ? undefined : meanings[word]
  if (meaning !== undefined) return `: ${meaning}`
  return status === 410 ? ': it wants no more; take it out of alerts' : ''
}

/** The longest wait that a receiver can ask for, in milliseconds. */
const longestWait = 3_600_000

function retryAfterOf(text: string | null): number | undefined {
  const seconds = Number(text ?? Number.NaN)
  const ms = Number.isNaN(seconds) ? Date.parse(text ?? '') - Date.now() : seconds * 1_000
  return ms > 0 ? Math.min(ms, longestWait) : undefined
}

/** The one word that an answer consists of, such as Slack's `no_service`. */
async function wordOf({ body }: Response): Promise<string | undefined> {
  if (body === null) return undefined
  const reader = body.getReader()
  try {
    let text = ''
    const decoder = new TextDecoder()
    while (text.length <= mostRead) {
      const { done, value } = await reader.read()
      if (done) break
      text += decoder.decode(value, { stream: true })
    }
    return /^[a-z_]{3,60}$/.exec(text.trim())?.[0]
  } catch {
    return undefined
  } finally {
    void reader.cancel().catch(() => {})
  }
}

/** `ECONNREFUSED` and the like; no message, which may quote the address. */
function reasonOf(error: unknown): string {
  const { code, name, cause } = error as NodeJS.ErrnoException
  const inner = (cause as NodeJS.ErrnoException | undefined)?.code
  return `no connection (${inner ?? code ?? name})`
}

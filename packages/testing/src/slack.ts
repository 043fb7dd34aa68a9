import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Options of {@link startSlack}. */
export interface SlackOptions {
  /** @default 0: any free port */
  readonly port?: number
}

/** A message that was posted in the channel. */
export interface SlackMessage {
  readonly text: string | undefined
  readonly blocks: readonly Readonly<Record<string, unknown>>[]
}

/** An incoming webhook of Slack: checks messages as Slack does, and answers with a word as Slack does. */
export interface SlackServer {
  /** The address of the webhook, which is its secret. */
  readonly url: string
  /** What the channel shows. */
  readonly messages: readonly SlackMessage[]
  /** Statuses and words of all answers, in their order: `200 ok`. */
  readonly answers: readonly string[]
  /** What is wrong from now on; undefined for nothing. */
  fail(problem: SlackProblem | undefined): void
  close(): Promise<void>
}

/** The webhook was removed, its channel was archived or is not there, posting is not allowed, too many messages, Slack's own trouble. */
export type SlackProblem =
  | 'no_service'
  | 'channel_is_archived'
  | 'channel_not_found'
  | 'action_prohibited'
  | 'rate_limited'
  | 'rollup_error'

const problems: Readonly<Record<SlackProblem, number>> = {
  no_service: 404,
  channel_is_archived: 410,
  channel_not_found: 404,
  action_prohibited: 403,
  rate_limited: 429,
  rollup_error: 500,
}

/** Seconds that a webhook with too many messages is told to wait. */
const retryAfter = 1

const most = {
  blocks: 50,
  text: 3_000,
  header: 150,
  elements: 10,
  fields: 10,
  field: 2_000,
  fallback: 40_000,
  together: 13_000,
}

/** Starts a server with one incoming webhook. */
export async function startSlack({ port = 0 }: SlackOptions = {}): Promise<SlackServer> {
  const path = '/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX'
  const messages: SlackMessage[] = []
  const answers: string[] = []
  let failing: SlackProblem | undefined
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const answer = (status: number, word: string, headers: Readonly<Record<string, string>> = {}): void => {
      answers.push(`${status} ${word}`)
      res.writeHead(status, { 'content-type': 'text/html', ...headers }).end(word)
    }
    if (req.method !== 'POST') return answer(405, 'method_not_allowed')
    if (req.url !== path) return answer(404, 'no_service')
    if (failing === 'rate_limited') return answer(429, failing, { 'retry-after': String(retryAfter) })
    if (failing !== undefined) return answer(problems[failing], failing)
    const read = readMessage(Buffer.concat(chunks).toString())
    if (typeof read === 'string') return answer(400, read)
    messages.push(read)
    answer(200, 'ok')
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    messages,
    answers,
    fail(problem) {
      failing = problem
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A message, or the word for what is wrong with it. */
function readMessage(body: string): SlackMessage | string {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return 'invalid_payload'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'invalid_payload'
  const { text, blocks = [] } = value as { text?: unknown; blocks?: unknown }
  if (text !== undefined && typeof text !== 'string') return 'invalid_payload'
  if (!Array.isArray(blocks) || blocks.length > most.blocks) return 'invalid_blocks'
  if (!blocks.every(isBlock)) return 'invalid_blocks'
  if (JSON.stringify(blocks).length > most.together) return 'msg_blocks_too_long'
  if (blocks.length === 0 && (text ?? '') === '') return 'no_text'
  if ((text ?? '').length > most.fallback) return 'msg_too_long'
  return { text, blocks }
}

interface Text {
  readonly type?: unknown
  readonly text?: unknown
}

function isText(
  value: unknown,
  longest: number,
  types: readonly string[] = ['mrkdwn', 'plain_text'],
): boolean {
  const { type, text } = (value ?? {}) as Text
  return types.includes(String(type)) && typeof text === 'string' && text.length > 0 && text.length <= longest
}

function isBlock(value: unknown): boolean {
  const { type, text, fields, elements } = (value ?? {}) as Record<string, unknown>
  switch (type) {
    case 'header':
      return isText(text, most.header, ['plain_text'])
    case 'divider':
      return true
    case 'section': {
      if (text === undefined && fields === undefined) return false
      if (text !== undefined && !isText(text, most.text)) return false
      if (fields === undefined) return true
      return (
        Array.isArray(fields) &&
        fields.length <= most.fields &&
        fields.every((each) => isText(each, most.field))
      )
    }
    case 'context':
      return (
        Array.isArray(elements) &&
        elements.length > 0 &&
        elements.length <= most.elements &&
        elements.every((each) => isText(each, most.text))
      )
    default:
      return false
  }
}

import type { AlertEvent } from './incident-board.ts'
import { durationInWords, idOfEvent, lastedFor, type Message, type Sender, textOf } from './message.ts'

// Slack's limits: 50 blocks a message, 3,000 characters of text in a section, and some 13,000 in all blocks together, which its
// documentation does not tell of.

/** News in one message. */
export const mostInSlack = 10

/** Characters of one section, as escaped. */
const longestSection = 1_100

const marks = { critical: ':red_circle:', warning: ':large_yellow_circle:', resolved: ':large_green_circle:' }

/** `&`, `<` and `>` begin commands of Slack's, such as `<!channel>`. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The same of as much of a text as takes so many characters then. */
function escapedWithin(text: string, most: number): string {
  if (escaped(text).length <= most) return escaped(text)
  let taken = ''
  for (const character of text) {
    const next = taken + escaped(character)
    if (next.length >= most) break
    taken = next
  }
  return `${taken}…`
}

/** A code span cannot hold a backtick. */
const code = (text: string): string => `\`${escapedWithin(text, 200).replaceAll('`', "'")}\``

const titles: Readonly<Record<string, string>> = {
  circuit_open: 'Circuit open',
  key_refused: 'Key refused',
  route_down: 'Route down',
  budget: 'Budget',
  limit_closed: 'Limit of the vendor reached',
  endpoint_ejected: 'Endpoint ejected',
  ledger: 'Database away',
  audit: 'Audit log takes no entries',
  rows_lost: 'Rows lost',
  redis: 'Redis unavailable',
  vault: 'Vault unreadable',
  credential: 'Credential unusable',
  price_unknown: 'Price unknown',
  certificate: 'Certificate about to expire',
  model_retiring: 'Model about to retire',
  load_shedding: 'Gateway saturated',
  alerts: 'Alerts not delivered',
  test: 'Test',
}

function line({ type, entry }: AlertEvent): string {
  const { kind, severity, subject, message } = entry.incident
  const title = titles[kind] ?? kind
  const about = code(textOf(subject))
  if (type === 'opened')
    return `${marks[severity]} *${title}* ${about}\n${escapedWithin(textOf(message), longestSection - 300)}`
  const duration = lastedFor(entry) ?? 0
  return `${marks.resolved} *Resolved: ${title}* ${about} after ${durationInWords(duration)}`
}

/** What phones and screen readers are given in place of blocks. */
function shortLine({ type, entry }: AlertEvent): string {
  const { kind, subject } = entry.incident
  return `${type === 'opened' ? '' : 'Resolved: '}${titles[kind] ?? kind} ${textOf(subject, 80)}`
}

/** Some news as one message of Slack's. */
export function slackMessage(events: readonly AlertEvent[], { gateway }: Sender): Message {
  const section = (text: string): object => ({ type: 'section', text: { type: 'mrkdwn', text } })
  const body = JSON.stringify({
    text: escaped(`Spillway: ${events.map(shortLine).join('; ')}`),
    blocks: [
      ...events.map((event) => section(line(event))),
      { type: 'context', elements: [{ type: 'mrkdwn', text: `Spillway at ${escaped(gateway)}` }] },
    ],
    // Names of hosts in a message are no links to be shown.
    unfurl_links: false,
    unfurl_media: false,
  })
  return { id: events.map(idOfEvent).join('+'), body }
}

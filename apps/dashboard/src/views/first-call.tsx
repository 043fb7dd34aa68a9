import type { JSX } from 'preact'
import { Empty } from '../ui/empty.tsx'

/** What to do while no call has come. */
export function FirstCall({ title = 'No calls yet' }: { readonly title?: string | undefined }): JSX.Element {
  const here = location.origin
  const code = [
    `ANTHROPIC_BASE_URL=${here} ANTHROPIC_AUTH_TOKEN=spillway claude`,
    '',
    `curl ${here}/v1/messages -H 'content-type: application/json' -d '{`,
    `  "model": "claude-sonnet-5-5", "max_tokens": 100,`,
    `  "messages": [{ "role": "user", "content": "Hello" }]`,
    `}'`,
  ].join('\n')
  return (
    <Empty title={title} code={code} where="Claude Code, or any client">
      Point a client at this gateway. Each call shows up here when it has ended. Any key will do, unless the
      configuration says “credential: caller”: then bring your own.
    </Empty>
  )
}

/** The same where the past is kept, and this part of it is empty. */
export function NoCallsInRange(): JSX.Element {
  return <FirstCall title="No calls in this time" />
}

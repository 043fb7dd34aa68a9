import type { CallContent as Content } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useResource } from '../api/use-resource.ts'
import { Loaded } from '../ui/loaded.tsx'
import { Panel } from '../ui/panel.tsx'

/** Prompt and answer of a call. Nothing is asked for until a person wants to see it: each look is audited. */
export function CallContent({ id }: { readonly id: string }): JSX.Element {
  const [isShown, show] = useState(false)
  return (
    <Panel
      title="Prompt and answer"
      aside={
        <button type="button" aria-expanded={isShown} onClick={() => show(!isShown)}>
          {isShown ? 'Hide' : 'Show'}
        </button>
      }
    >
      {isShown ? (
        <Said id={id} />
      ) : (
        <p class="quiet">Hidden. They are in the gateway’s memory alone; that they were shown is audited.</p>
      )}
    </Panel>
  )
}

function Said({ id }: { readonly id: string }): JSX.Element {
  const content = useResource<Content>(`api/calls/${encodeURIComponent(id)}/content`)
  return (
    <Loaded of={content}>
      {({ messages, answer, isCut }) => (
        <>
          {isCut && <p class="quiet">Truncated: longer than what is kept of one call.</p>}
          <ol class="attempts">
            {messages.map(({ role, text }, index) => (
              <Message key={`${index} ${role}`} from={role} text={text} />
            ))}
            <Message from="answer" text={answer} />
          </ol>
        </>
      )}
    </Loaded>
  )
}

function Message({ from, text }: { readonly from: string; readonly text: string | null }): JSX.Element {
  return (
    <li class="attempt">
      <b>{from}</b>
      {text === null ? <p class="quiet">none</p> : <blockquote class="said content">{text}</blockquote>}
    </li>
  )
}

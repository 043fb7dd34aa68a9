import type { CallContent, Targets } from '@spillway/gateway-api'
import { type Incident, keyOfIncident } from '../alerts/incident.ts'
import type { CallNote } from '../api/call-notes.ts'
import { type Question, question } from './channel.ts'
import type { Colleagues } from './colleagues.ts'
import { mergeTargets } from './merge-targets.ts'

/** What each worker knows by itself. */
export interface OwnView {
  targets(): Targets
  incidents(): readonly Incident[]
  noteOf(call: string): CallNote | undefined
  contentOf(call: string): CallContent | undefined
  openLimits(target: string | undefined, endpoint: string | undefined): void
}

/** The same of all workers together. */
export interface WholeView {
  targets(): Promise<Targets>
  incidents(): Promise<readonly Incident[]>
  noteOf(call: string): Promise<CallNote | undefined>
  contentOf(call: string): Promise<CallContent | undefined>
  hasContent(call: string): Promise<boolean>
  /** @throws what this worker throws for names that are not there; then no other one is asked */
  openLimits(target: string | undefined, endpoint: string | undefined): Promise<void>
}

const targetsOf: Question<undefined, Targets> = question('view.targets')
const incidentsOf: Question<undefined, readonly Incident[]> = question('view.incidents')
const noteOf: Question<string, CallNote | undefined> = question('view.note')
const contentOf: Question<string, CallContent | undefined> = question('view.content')
const openLimits: Question<{ readonly target?: string; readonly endpoint?: string }, void> =
  question('view.open-limits')

/** @param colleagues undefined for a gateway that is one process */
export function asOne(own: OwnView, colleagues: Colleagues | undefined): WholeView {
  colleagues?.answer(targetsOf, () => own.targets())
  colleagues?.answer(incidentsOf, () => own.incidents())
  colleagues?.answer(noteOf, (call) => own.noteOf(call))
  colleagues?.answer(contentOf, (call) => own.contentOf(call))
  colleagues?.answer(openLimits, ({ target, endpoint }) => own.openLimits(target, endpoint))
  const others = async <A, B>(asked: Question<A, B>, argument: A): Promise<readonly B[]> =>
    (await colleagues?.ask(asked, argument)) ?? []
  const whoever = async <B>(asked: Question<string, B | undefined>, call: string): Promise<B | undefined> =>
    (await others(asked, call)).find((answer) => answer !== undefined)
  const content = async (call: string): Promise<CallContent | undefined> =>
    own.contentOf(call) ?? (await whoever(contentOf, call))
  return {
    targets: async () => mergeTargets([own.targets(), ...(await others(targetsOf, undefined))]),
    async incidents() {
      const all = [...own.incidents(), ...(await others(incidentsOf, undefined)).flat()]
      return [...new Map(all.toReversed().map((each) => [keyOfIncident(each), each])).values()].toReversed()
    },
    noteOf: async (call) => own.noteOf(call) ?? (await whoever(noteOf, call)),
    contentOf: content,
    hasContent: async (call) => (await content(call)) !== undefined,
    async openLimits(target, endpoint) {
      own.openLimits(target, endpoint)
      await others(openLimits, {
        ...(target !== undefined && { target }),
        ...(endpoint !== undefined && { endpoint }),
      })
    },
  }
}

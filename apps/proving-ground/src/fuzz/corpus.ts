import { readdirSync, readFileSync } from 'node:fs'
import type { FuzzAnswer, FuzzCase, FuzzRequest, Step } from './fuzz-case.ts'
import type { ReplayedCase } from './minimise.ts'
import type { Answered } from './upstream.ts'

/** A case as it is kept in a file: with its bytes, since generators change. */
export interface CorpusEntry {
  readonly index: number
  /** Where it came from, and what was wrong. */
  readonly seed: number
  readonly problem: string
  readonly request: Omit<FuzzRequest, 'steps'> & { readonly steps: readonly StoredStep[] }
  /** In the order of the attempts at each target. */
  readonly answers: readonly {
    readonly target: string
    readonly kind: string
    readonly isValid: boolean
    readonly steps: readonly StoredStep[]
  }[]
}

/** A step with its bytes as text (latin1) or base64. */
export type StoredStep =
  | Exclude<Step, { readonly bytes: Buffer }>
  | { readonly do: 'send'; readonly text?: string; readonly base64?: string }
  | { readonly do: 'repeat'; readonly text?: string; readonly base64?: string; readonly times: number }

/** Stands for the gateway's own host and port in stored requests. */
const hostName = '{host}'

export function entryOf(
  { index, request }: FuzzCase,
  received: readonly Answered[],
  { seed, problem }: { readonly seed: number; readonly problem: string },
): CorpusEntry {
  const answers = received.map(({ target, answer }) => ({
    target,
    ...answer,
    steps: answer.steps.map((step) => stored(step)),
  }))
  return { index, seed, problem, request: { ...request, steps: request.steps.map(stored) }, answers }
}

/** The case in a file, such as that of a finding. */
export function readEntry(file: string | URL, host: string): FuzzCase {
  return caseOfEntry(JSON.parse(readFileSync(file, 'utf8')) as CorpusEntry, host)
}

/** All cases of the folder `corpus`. */
export function readCorpus(host: string): (FuzzCase & { readonly name: string })[] {
  const folder = new URL('./corpus/', import.meta.url)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({
      ...readEntry(new URL(name, folder), host),
      name: name.slice(0, -'.json'.length),
    }))
}

export function caseOfEntry({ index, request, answers }: CorpusEntry, host: string): FuzzCase {
  const received = answers.map(({ target, ...answer }) => ({
    target,
    index,
    answer: { ...answer, steps: answer.steps.map((step) => restored(step, host)) } satisfies FuzzAnswer,
  }))
  const steps = request.steps.map((step) => restored(step, host))
  return replayedCase({
    fuzzCase: { index, request: { ...request, steps }, answer: () => unavailable },
    received,
  })
}

/** A case with the answers that it got then. A target that was not asked fails at once, so that the same ones are asked. */
export function replayedCase({ fuzzCase, received }: ReplayedCase): FuzzCase {
  return {
    ...fuzzCase,
    answer({ target, attempt }) {
      const ofTarget = received.filter((each) => each.target === target)
      return ofTarget[Math.min(attempt, ofTarget.length) - 1]?.answer ?? unavailable
    },
  }
}

const unavailable: FuzzAnswer = {
  kind: 'not asked then',
  isValid: false,
  steps: [
    {
      do: 'send',
      bytes: Buffer.from('HTTP/1.1 529 Overloaded\r\ncontent-length: 0\r\nx-should-retry: false\r\n\r\n'),
    },
  ],
}

function stored(step: Step): StoredStep {
  if (!('bytes' in step)) return step
  const { bytes, ...rest } = step
  const text = bytes.toString('latin1').replaceAll(/(?<=host: )127\.0\.0\.1:\d+/gi, hostName)
  const isPlain = /^[\t\n\r\x20-\x7e]*$/.test(text)
  return isPlain ? { ...rest, text } : { ...rest, base64: Buffer.from(text, 'latin1').toString('base64') }
}

function restored(step: StoredStep, host: string): Step {
  if (step.do !== 'send' && step.do !== 'repeat') return step
  const { text, base64, ...rest } = step
  const latin1 = text ?? Buffer.from(base64 ?? '', 'base64').toString('latin1')
  return { ...rest, bytes: Buffer.from(latin1.replaceAll(hostName, host), 'latin1') }
}

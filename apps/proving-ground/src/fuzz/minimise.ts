import type { FuzzAnswer, FuzzCase, Step } from './fuzz-case.ts'
import type { Json } from './json-mutations.ts'
import type { Answered } from './upstream.ts'

/** A case with the answers that it got, which can be made smaller. */
export interface ReplayedCase {
  readonly fuzzCase: FuzzCase
  readonly received: readonly Answered[]
}

/** Says whether a case still shows what it is kept for. */
export type StillFails = (candidate: ReplayedCase) => Promise<boolean>

/**
 * Makes a failing case smaller, step by step, as long as it still fails: fewer answers, fewer headers, less in its bodies. Greedy,
 * and at most so many tries.
 */
export async function minimise(
  found: ReplayedCase,
  stillFails: StillFails,
  tries = 600,
): Promise<ReplayedCase> {
  let smallest = found
  let left = tries
  for (let isSmaller = true; isSmaller && left > 0; ) {
    isSmaller = false
    for (const candidate of smallerCases(smallest)) {
      if (left-- <= 0) break
      if (!(await stillFails(candidate))) continue
      smallest = candidate
      isSmaller = true
      break
    }
  }
  return smallest
}

/** Cases that lack one thing, those that lack most first. */
function* smallerCases({ fuzzCase, received }: ReplayedCase): Generator<ReplayedCase> {
  for (let at = 0; at < received.length && received.length > 1; at++)
    yield { fuzzCase, received: received.toSpliced(at, 1) }
  for (const [at, each] of received.entries()) {
    for (const steps of smallerSteps(each.answer.steps)) {
      const answer: FuzzAnswer = { ...each.answer, steps }
      yield { fuzzCase, received: received.with(at, { ...each, answer }) }
    }
  }
  for (const steps of smallerSteps(fuzzCase.request.steps))
    yield { fuzzCase: { ...fuzzCase, request: { ...fuzzCase.request, steps } }, received }
}

function* smallerSteps(steps: readonly Step[]): Generator<Step[]> {
  for (const [at, step] of steps.entries()) {
    if (step.do === 'wait') yield steps.toSpliced(at, 1)
    const next = steps[at + 1]
    if (step.do === 'send' && next?.do === 'send')
      yield steps.toSpliced(at, 2, { do: 'send', bytes: Buffer.concat([step.bytes, next.bytes]) })
    if (step.do !== 'send') continue
    for (const bytes of smallerMessages(step.bytes)) yield steps.with(at, { do: 'send', bytes })
  }
}

const headEnd = '\r\n\r\n'

/** An HTTP message with one header less, or less of its body; anything else with a part cut out. */
function* smallerMessages(bytes: Buffer): Generator<Buffer> {
  const text = bytes.toString('latin1')
  const end = text.indexOf(headEnd)
  const isWhole =
    end >= 0 && new RegExp(`\r\ncontent-length: ${bytes.length - end - 4}(\r|$)`).test(text.slice(0, end))
  if (!isWhole) {
    yield* smallerBytes(bytes)
    return
  }
  const head = text.slice(0, end).split('\r\n')
  const body = bytes.subarray(end + 4)
  for (const smaller of smallerBodies(body)) yield withBody(head, smaller)
  for (let at = 1; at < head.length; at++) {
    if (!/^(content-length|host):/i.test(head[at] as string)) yield withBody(head.toSpliced(at, 1), body)
  }
}

function withBody(head: readonly string[], body: Buffer): Buffer {
  const lines = head.map((line) => (/^content-length:/i.test(line) ? `content-length: ${body.length}` : line))
  return Buffer.concat([Buffer.from(lines.join('\r\n') + headEnd, 'latin1'), body])
}

function* smallerBodies(body: Buffer): Generator<Buffer> {
  let tree: Json
  try {
    tree = JSON.parse(body.toString()) as Json
  } catch {
    yield* smallerBytes(body)
    return
  }
  for (const smaller of smallerTrees(tree)) yield Buffer.from(JSON.stringify(smaller))
}

/** A tree without one of its nodes; texts are cut from either end. */
function* smallerTrees(tree: Json): Generator<Json> {
  if (typeof tree === 'string' && tree.length > 8) {
    for (const part of [tree.length >> 1, tree.length >> 3]) {
      yield tree.slice(part)
      yield tree.slice(0, -part)
    }
  }
  if (tree === null || typeof tree !== 'object') return
  if (Array.isArray(tree)) {
    if (tree.length > 3) {
      yield tree.slice(tree.length >> 1)
      yield tree.slice(0, tree.length >> 1)
    }
    for (let at = 0; at < tree.length; at++) yield tree.toSpliced(at, 1)
    for (const [at, each] of tree.entries())
      for (const smaller of smallerTrees(each)) yield tree.with(at, smaller)
    return
  }
  for (const name of Object.keys(tree)) {
    const { [name]: _, ...rest } = tree
    yield rest
  }
  for (const [name, each] of Object.entries(tree))
    for (const smaller of smallerTrees(each)) yield { ...tree, [name]: smaller }
}

function* smallerBytes(bytes: Buffer): Generator<Buffer> {
  for (let length = bytes.length >> 1; length >= Math.max(1, bytes.length >> 5); length >>= 1) {
    for (let at = 0; at + length <= bytes.length; at += length)
      yield Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
  }
}

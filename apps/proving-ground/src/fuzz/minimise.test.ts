import { expect, it } from 'vitest'
import type { FuzzAnswer, FuzzCase } from './fuzz-case.ts'
import { minimise, type ReplayedCase } from './minimise.ts'

const message = (body: string): Buffer =>
  Buffer.from(
    `POST / HTTP/1.1\r\nhost: x\r\na: 1\r\nb: 2\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )

const answer = (body: string): FuzzAnswer => ({
  kind: 'x',
  isValid: true,
  steps: [
    { do: 'send', bytes: message(body) },
    { do: 'wait', ms: 3 },
  ],
})

function caseOf(body: string, answers: readonly string[]): ReplayedCase {
  const fuzzCase: FuzzCase = {
    index: 1,
    request: {
      kind: 'x',
      steps: [{ do: 'send', bytes: message(body) }],
      isShared: true,
      answers: 1,
      isHead: false,
      api: 'anthropic',
      stream: false,
    },
    answer: () => answer('{}'),
  }
  return { fuzzCase, received: answers.map((each) => ({ target: 'claude', index: 1, answer: answer(each) })) }
}

const textOf = ({ fuzzCase }: ReplayedCase): string =>
  fuzzCase.request.steps.map((step) => ('bytes' in step ? step.bytes.toString() : '')).join('')

it('what matters is left, in HTTP that is still whole', async () => {
  const body = JSON.stringify({
    model: 'm',
    messages: [{ role: 'user', content: 'a long text with NEEDLE in it, and more' }],
    tools: [1, 2, 3],
  })
  const found = caseOf(body, ['{"a":1}', '{"b":"HAY"}'])
  const smallest = await minimise(found, async (candidate) => {
    const answers = candidate.received.map(({ answer: { steps } }) =>
      JSON.stringify(steps.map((step) => ('bytes' in step ? step.bytes.toString() : ''))),
    )
    return textOf(candidate).includes('NEEDLE') && answers.join().includes('HAY')
  })
  expect(textOf(smallest)).toMatch(
    /^POST \/ HTTP\/1\.1\r\nhost: x\r\ncontent-length: \d+\r\n\r\n\{"messages":\[\{"content":"[^"]{6,16}"\}\]\}$/,
  )
  expect(smallest.received).toHaveLength(1)
  expect(smallest.received[0]?.answer.steps).toHaveLength(1)
})

it('bytes that are no message are cut', async () => {
  const found = caseOf('x', ['{}'])
  const raw = {
    ...found,
    fuzzCase: {
      ...found.fuzzCase,
      request: {
        ...found.fuzzCase.request,
        steps: [{ do: 'send' as const, bytes: Buffer.from(`${'.'.repeat(200)}!${'.'.repeat(100)}`) }],
      },
    },
  }
  expect(
    textOf(await minimise(raw, async (candidate) => textOf(candidate).includes('!'))).length,
  ).toBeLessThan(8)
})

it('the number of tries is bounded', async () => {
  let tries = 0
  await minimise(
    caseOf(JSON.stringify(Array.from({ length: 500 }, (_, i) => i)), ['{}']),
    async () => ++tries < 0,
    40,
  )
  expect(tries).toBe(40)
})

import { afterAll, describe, expect, it } from 'vitest'
import { call, requestOf } from '../test/call-transport.ts'
import { longestBlock } from '../test/longest-block.ts'
import { modelFolder, promptOf } from '../test/model-file.ts'
import { longWordReply, slowText } from '../test/prompts.ts'
import { embeddedTransport } from './embedded-transport.ts'
import { openEngine } from './engine.ts'

// By their size alone, prompts of up to 16 MB may fit.
const modelPath = modelFolder()('huge.gguf', { reply: longWordReply })
const engine = openEngine({ modelPath, contextSize: 8192, parallel: 1 })
const transport = embeddedTransport(engine)
afterAll(() => engine.close())

const most = 50

/** The longest block of a run, or of the next one: the work blocks each time, the garbage of other tests in this process once. */
async function usualBlock(run: () => Promise<void>): Promise<number> {
  let least = Infinity
  for (let runs = 0; runs < 3 && least >= most; runs++) least = Math.min(least, await longestBlock(run))
  return least
}

const userOf = (text: string) => [{ role: 'user' as const, text }]
const bodyOf = (content: unknown) => ({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content }] })
const manyBlocks = `[${Array(600_000).fill('{"type":"text","text":"ab cd ef gh"}').join(',')}]`

describe('a huge prompt', { timeout: 60_000 }, () => {
  it.each([
    ['0.4 MB', slowText(400_000)],
    ['0.8 MB', slowText(800_000)],
    ['0.8 MB without spaces', 'x'.repeat(800_000)],
    ['4 MB', slowText(4_000_000)],
    ['32 MB', slowText(32_000_000)],
  ])('of %s is refused with its size, and does not hold up this process', async (_what, text) => {
    await engine.load()
    const request = requestOf('anthropic', bodyOf(text))
    let answer = { status: 0, text: '' }
    const run = async (): Promise<void> => {
      answer = await call(transport, request).done
    }
    expect(await usualBlock(run)).toBeLessThan(most)
    expect(answer.status).toBe(400)
    const [, tokens] = /"prompt is too long: (\d+) tokens > 8189 maximum/.exec(answer.text) ?? []
    expect(Number(tokens)).toBeGreaterThan(text.length / 5)
    expect(Number(tokens)).toBeLessThan(text.length * 2)
  })

  it('of 32 MB in 600,000 blocks does not hold up this process either', async () => {
    await engine.load()
    const body = JSON.stringify(bodyOf('BLOCKS')).replace('"BLOCKS"', manyBlocks)
    const request = requestOf('anthropic', body)
    expect(request.body.bytes.length).toBeGreaterThan(20_000_000)
    let answer: unknown
    const run = async (): Promise<void> => {
      answer = JSON.parse((await call(transport, request).done).text)
    }
    expect(await usualBlock(run)).toBeLessThan(most)
    expect(answer).toMatchObject({
      error: { message: expect.stringMatching(/^prompt is too long: \d{7,8} tokens/) },
    })
  })

  it('is counted to the end, while other calls are answered', async () => {
    await engine.load()
    const text = slowText(800_000)
    let counted: number | undefined
    const counting = engine.countTokens(userOf(text)).then((count) => {
      counted = count
    })
    let answers = 0
    do {
      const from = performance.now()
      await engine.generate(promptOf(), { text() {} })
      expect(performance.now() - from).toBeLessThan(5000)
      answers++
    } while (counted === undefined)
    await counting
    // A space is a token of three bytes.
    const spaces = text.split(' ').length - 1
    expect(counted).toBeGreaterThanOrEqual(text.length + 2 * spaces)
    expect(answers).toBeGreaterThan(1)
  })

  it('whose caller leaves gives its place back at once', async () => {
    await engine.load()
    const leaver = new AbortController()
    const counting = engine.countTokens(userOf(slowText(12_000_000)), leaver.signal)
    setTimeout(() => leaver.abort(new Error('gone')), 200)
    await expect(counting).rejects.toThrow('gone')
    const from = performance.now()
    await engine.generate(promptOf(), { text() {} })
    expect(performance.now() - from).toBeLessThan(5000)
  })
})

it('a prompt of many pieces is answered as any other, with the tokens that were counted', async () => {
  const text = 'A few words of it. '.repeat(600)
  const large = openEngine({ modelPath, contextSize: 32_768 })
  const counted = await large.countTokens(userOf(text))
  let answer = ''
  const completion = await large.generate(promptOf({ turns: userOf(text) }), {
    text: (piece) => (answer += piece),
  })
  expect(completion).toMatchObject({ inputTokens: counted, stop: 'end' })
  expect(counted).toBeGreaterThan(text.length)
  expect(answer).toBe(longWordReply)
  await large.close()
})

import type { LlamaModel, LlamaText } from 'node-llama-cpp'
import { describe, expect, it, vi } from 'vitest'
import { patientTokenizer } from './patient-tokenizer.ts'
import { pieceLength } from './text-pieces.ts'

type Call = [text: string, special?: boolean, options?: 'trimLeadingSpace']

/** A model whose tokens are characters; tokenising takes a millisecond of its clock for each thousand. */
function fakeModel() {
  let now = 0
  const calls: Call[] = []
  const turn = vi.fn(() => Promise.resolve())
  const tokenizer = (...call: Call): number[] => {
    calls.push(call)
    now += call[0].length / 1000
    return [...call[0]].map((character) => character.codePointAt(0) as number)
  }
  const more = { detokenize: () => '', isSpecialToken: () => false, isEogToken: () => false }
  const model = { tokenizer: Object.assign(tokenizer, more) } as unknown as LlamaModel
  return { model, calls, turn, patient: patientTokenizer(model, { now: () => now, turn }) }
}

/** A prompt that asks a tokenizer for these, one after the other. */
function promptOf(...parts: Call[]): LlamaText {
  const tokenize = (tokenizer: (...call: Call) => number[]) => parts.flatMap((call) => tokenizer(...call))
  return { tokenize } as unknown as LlamaText
}

const { signal } = new AbortController()
const words = 'some words and '.repeat(4000)

describe('a prompt', () => {
  it('is counted as the chat evaluates it, with the same calls for short texts', async () => {
    const { model, calls, patient } = fakeModel()
    const short = promptOf(['<s>', true], ['Hello', false, 'trimLeadingSpace'])
    expect(await patient.read(short, 100, signal)).toMatchObject({ tokens: 8, isTooLong: false })
    expect(calls).toEqual([
      ['<s>', true, undefined],
      ['Hello', false, 'trimLeadingSpace'],
    ])
    expect(short.tokenize(model.tokenizer)).toHaveLength(8)
  })

  it('is tokenised in pieces, and others have their turn in between', async () => {
    const { calls, turn, patient } = fakeModel()
    const { tokens } = await patient.read(promptOf([words, false]), Infinity, signal)
    expect(tokens).toBe(words.length)
    expect(Math.max(...calls.map(([text]) => text.length))).toBeLessThanOrEqual(pieceLength)
    expect(calls[0]?.[2]).toBeUndefined()
    expect(new Set(calls.slice(1).map(([, , options]) => options))).toEqual(new Set(['trimLeadingSpace']))
    expect(turn.mock.calls.length).toBeGreaterThan(4)
  })

  it('is not tokenised again by the chat, until it is released', async () => {
    const { model, calls, patient } = fakeModel()
    const prompt = promptOf([words, false])
    const first = await patient.read(prompt, Infinity, signal)
    const second = await patient.read(prompt, Infinity, signal)
    first.release()
    first.release()
    calls.length = 0
    expect(prompt.tokenize(model.tokenizer)).toHaveLength(words.length)
    expect(calls).toEqual([])
    second.release()
    expect(prompt.tokenize(model.tokenizer)).toHaveLength(words.length)
    expect(calls.length).toBeGreaterThan(10)
  })

  it('that is too long is given up early, and estimated', async () => {
    const { model, calls, patient } = fakeModel()
    const prompt = promptOf(['<s>', true], [words.repeat(10), false])
    const { tokens, isTooLong } = await patient.read(prompt, 5000, signal)
    expect(isTooLong).toBe(true)
    expect(tokens).toBe(words.length * 10 + 3)
    expect(calls).toHaveLength(3)
    expect(model.tokenizer('x')).toEqual([120])
  })

  it('of which the caller has left is given up', async () => {
    const { calls, turn, patient } = fakeModel()
    const leaver = new AbortController()
    turn.mockImplementation(async () => leaver.abort(new Error('gone')))
    await expect(patient.read(promptOf([words, false]), Infinity, leaver.signal)).rejects.toThrow('gone')
    expect(calls.length).toBeLessThan(5)
  })
})

import { afterAll, describe, expect, it } from 'vitest'
import { modelFolder, promptOf } from '../test/model-file.ts'
import { type Engine, openEngine } from './engine.ts'
import { checkGguf } from './gguf-check.ts'
import { tinyGguf } from './tiny-gguf.ts'

const file = modelFolder()
const engines: Engine[] = []
afterAll(() => Promise.all(engines.map((engine) => engine.close())))

async function ask(name: string, reply: string, temperature?: number): Promise<string[]> {
  const engine = openEngine({ modelPath: file(name, { reply }), contextSize: 512 })
  engines.push(engine)
  const pieces: string[] = []
  await engine.generate(promptOf({ temperature }), { text: (piece) => pieces.push(piece) })
  return pieces
}

describe('a tiny model in the real engine', () => {
  it('is a valid file of some kilobytes', async () => {
    const bytes = tinyGguf()
    expect(bytes.length).toBeLessThan(64 * 1024)
    const facts = await checkGguf(file('valid.gguf', bytes))
    expect(facts).toEqual({
      bytes: bytes.length,
      architecture: 'llama',
      contextLength: 32_768,
      chatTemplate: false,
      longestTokenBytes: 14,
    })
  })

  it.each([
    ['one word', 'Yes.'],
    ['repeated words', 'no no no, the answer is no, the answer is no no no'],
    ['line breaks and double spaces', 'First line.\nSecond  line,\n\n  indented. '],
    ['characters of two to four bytes', 'Grüße aus 日本 🎉 und 👍🏽 naïve café — ок'],
    ['a character spelled in bytes, alone', '🎉'],
  ])('says its reply word for word: %s', async (name, reply) => {
    const pieces = await ask(`${name}.gguf`, reply)
    expect(pieces.join('')).toBe(reply)
    expect(pieces.join('')).not.toContain('\ufffd')
    for (const piece of pieces) expect(piece.isWellFormed()).toBe(true)
  })

  it('says it at a high temperature too', async () => {
    expect((await ask('hot.gguf', 'Cool as a cucumber, always.', 1)).join('')).toBe(
      'Cool as a cucumber, always.',
    )
  })

  it('refuses what it cannot write', () => {
    expect(() => tinyGguf({ reply: '' })).toThrow(RangeError)
    expect(() => tinyGguf({ blocks: 0 })).toThrow(RangeError)
  })
})

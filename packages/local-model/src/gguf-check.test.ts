import { describe, expect, it } from 'vitest'
import { modelFolder, promptOf } from '../test/model-file.ts'
import { openEngine } from './engine.ts'
import { checkGguf } from './gguf-check.ts'
import { tinyGguf } from './tiny-gguf.ts'

const file = modelFolder()
const whole = Buffer.from(tinyGguf())

/** The tiny model with some bytes replaced by as many others. */
function replaced(from: string, to: string, content: Buffer = whole): Uint8Array {
  const at = content.indexOf(from)
  if (at < 0 || from.length !== to.length) throw new Error(`cannot replace ${from}`)
  const copy = Buffer.from(content)
  copy.write(to, at)
  return copy
}

const version9 = Buffer.from(whole)
version9.writeUInt32LE(9, 4)
const countless = Buffer.from(whole)
countless.writeBigUInt64LE(2n ** 40n, 8)
const wide = Buffer.from(whole)
wide.writeUInt32LE(48, whole.indexOf('llama.embedding_length') + 'llama.embedding_length'.length + 4)

const epsilon = Buffer.from(whole)
epsilon.writeUInt32LE(0xffff_ffff, whole.indexOf('rms_epsilon') + 'rms_epsilon'.length + 4)

const cases: [string, Uint8Array, RegExp][] = [
  ['an empty file', new Uint8Array(), /ends in the middle of its header/],
  ['something else', Buffer.from('<!doctype html><html>'.repeat(99)), /does not begin with the letters GGUF/],
  ['another version', version9, /GGUF version is 9/],
  ['an absurd count', countless, /claims 1099511627776 tensors/],
  ['a header cut off', whole.subarray(0, 3000), /ends in the middle of its header/],
  ['weights cut off', whole.subarray(0, whole.length - 1000), /lies beyond the end of the file/],
  [
    'a missing key',
    replaced('llama.block_count', 'llama.block_cound'),
    /the key llama\.block_count is missing/,
  ],
  [
    'a missing vocabulary',
    replaced('tokenizer.ggml.tokens', 'tokenizer.ggml.tokenz'),
    /tokenizer\.ggml\.tokens is missing/,
  ],
  [
    'a missing tensor',
    replaced('blk.0.ffn_up.weight', 'blk.0.ffn_xp.weight'),
    /blk\.0\.ffn_up\.weight is missing/,
  ],
  [
    'a missing output norm',
    replaced('output_norm.weight', 'output_nurm.weight'),
    /output_norm\.weight is missing/,
  ],
  ['a token twice', replaced('<0x01>', '<0x00>'), /holds a token twice/],
  ['an epsilon that is no number', epsilon, /layer_norm_rms_epsilon is NaN/],
  ['a wrong width', wide, /token_embd\.weight is not 48 wide/],
]

describe('a model file is checked before llama.cpp sees it', () => {
  it.each(cases)('refuses %s, naming the file and the reason', async (name, content, reason) => {
    const path = file(`${name}.gguf`, content)
    const error = await checkGguf(path).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'LocalModelError', code: 'SPILLWAY_LOCAL_MODEL_INVALID' })
    expect((error as Error).message).toContain(path)
    expect((error as Error).message).toMatch(reason)
  })

  it('knows the longest text that a token stands for', async () => {
    const long = file('long-token.gguf', { reply: `${'ü'.repeat(300)} is long` })
    await expect(checkGguf(long)).resolves.toMatchObject({ longestTokenBytes: 600 })
  })

  it('refuses a path where nothing is, and a folder', async () => {
    await expect(checkGguf('/nowhere/model.gguf')).rejects.toThrow(
      '/nowhere/model.gguf: there is no such file',
    )
    await expect(checkGguf(file('x.gguf', whole).replace('x.gguf', ''))).rejects.toThrow(/is not a file/)
  })

  it('reads a header that is longer than its first read', async () => {
    await expect(checkGguf(file('long.gguf', { blocks: 4000 }))).resolves.toMatchObject({
      architecture: 'llama',
    })
  })

  it('the engine refuses a malformed file without a crash, and loads it once it is repaired', async () => {
    const engine = openEngine({ modelPath: file('repaired.gguf', replaced('output_norm', 'output_nurm')) })
    await expect(engine.load()).rejects.toMatchObject({ code: 'SPILLWAY_LOCAL_MODEL_INVALID' })
    file('repaired.gguf', whole)
    await expect(engine.generate(promptOf(), { text() {} })).resolves.toMatchObject({ stop: 'end' })
    await engine.close()
  })
})

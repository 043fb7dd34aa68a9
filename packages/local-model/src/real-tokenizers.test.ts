import { readFileSync } from 'node:fs'
import { getLlama, LlamaLogLevel, type LlamaModel, LlamaText } from 'node-llama-cpp'
import { afterAll, describe, expect, it } from 'vitest'
import { bpeVocabulary } from '../test/bpe-vocabulary.ts'
import { modelFolder } from '../test/model-file.ts'
import { patientTokenizer } from './patient-tokenizer.ts'
import { pieceLength } from './text-pieces.ts'

const file = modelFolder()
const llama = await getLlama({
  ...{ gpu: false, build: 'never', skipDownload: true, progressLogs: false },
  logLevel: LlamaLogLevel.disabled,
})
const load = (modelPath: string): Promise<LlamaModel> => llama.loadModel({ modelPath, vocabOnly: true })
const models: Readonly<Record<string, () => Promise<LlamaModel>>> = {
  SentencePiece: () => load(file('spm.gguf', { reply: 'the word is in there, and the other word' })),
  'byte-level BPE': () => load(file('bpe.gguf', bpeVocabulary())),
}
afterAll(() => llama.dispose())

const prose = 'In the word there is the other word, and nothing else.\n\nThe  end, the    very end. '.repeat(
  400,
)
const code = readFileSync(new URL('./load-llama.ts', import.meta.url), 'utf8').repeat(4)
const chinese = '我们在 the 这里 word 说话。\n'.repeat(1500)
const { signal } = new AbortController()

describe.each(Object.keys(models))('%s', (kind) => {
  it.each([
    ['prose', prose],
    ['code', code],
    ['Chinese', chinese],
  ])('makes the same tokens of %s in pieces', async (_what, text) => {
    expect(text.length).toBeGreaterThan(pieceLength * 4)
    const model = await (models[kind] as () => Promise<LlamaModel>)()
    const whole = model.tokenizer(text, false, 'trimLeadingSpace')
    const patient = patientTokenizer(model)
    expect(model.tokenizer(text, false, 'trimLeadingSpace')).toEqual(whole)
    const prompt = LlamaText(text)
    const { tokens } = await patient.read(prompt, Infinity, signal)
    expect(prompt.tokenize(model.tokenizer)).toHaveLength(tokens)
    expect(tokens - whole.length).toBeLessThanOrEqual(1)
    await model.dispose()
  })

  it('makes of text without borders at most two tokens more for each piece', async () => {
    const model = await (models[kind] as () => Promise<LlamaModel>)()
    const text = 'thewordintheoutthing'.repeat(2000)
    const whole = model.tokenizer(text, false, 'trimLeadingSpace').length
    patientTokenizer(model)
    const pieces = model.tokenizer(text, false, 'trimLeadingSpace').length
    expect(pieces).toBeGreaterThanOrEqual(whole)
    expect(pieces - whole).toBeLessThanOrEqual((2 * text.length) / pieceLength)
    expect(model.detokenize(model.tokenizer(text, false, 'trimLeadingSpace')).trim()).toBe(text)
    await model.dispose()
  })
})

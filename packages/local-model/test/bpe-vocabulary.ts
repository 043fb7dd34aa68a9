import { GgufWriter } from '../src/gguf-writer.ts'

/** Pairs that become one token, the first that is found first; Ġ is a space. */
const merges = [
  't h',
  'i n',
  'Ġ t',
  'Ġt h',
  'Ġth e',
  'e r',
  'Ġ w',
  'Ġw o',
  'r d',
  'Ġwo rd',
  'Ġ Ġ',
  'ĠĠ ĠĠ',
  'o u',
  'in g',
]

/** A file with nothing but a byte-level BPE vocabulary, as Llama 3 and Qwen have. */
export function bpeVocabulary(): Uint8Array {
  const tokens = [...byteCharacters(), ...merges.map((pair) => pair.replace(' ', '')), '<|end|>']
  const file = new GgufWriter()
  file.text('general.architecture', 'llama')
  file.uint32('llama.context_length', 2048)
  file.uint32('llama.embedding_length', 32)
  file.uint32('llama.block_count', 1)
  file.uint32('llama.feed_forward_length', 32)
  file.uint32('llama.attention.head_count', 1)
  file.float32('llama.attention.layer_norm_rms_epsilon', 1e-5)
  file.text('tokenizer.ggml.model', 'gpt2')
  file.text('tokenizer.ggml.pre', 'llama-bpe')
  file.texts('tokenizer.ggml.tokens', tokens)
  file.int32s('tokenizer.ggml.token_type', new Int32Array(tokens.length).fill(1).fill(3, -1))
  file.texts('tokenizer.ggml.merges', merges)
  file.uint32('tokenizer.ggml.bos_token_id', tokens.length - 1)
  file.uint32('tokenizer.ggml.eos_token_id', tokens.length - 1)
  return file.bytes()
}

/** The characters that such vocabularies write bytes with: printable ones are themselves, the others come after 255. */
function byteCharacters(): string[] {
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
    return String.fromCodePoint(isPrintable ? byte : next++)
  })
}

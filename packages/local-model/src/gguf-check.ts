import { type FileHandle, open } from 'node:fs/promises'
import { type GgufHeader, type GgufTensor, MoreBytesNeeded, NotGguf, parseGgufHeader } from './gguf-header.ts'
import { LocalModelError } from './local-model-error.ts'

/** What the check learns about a model. */
export interface GgufFacts {
  /** Of the file. */
  readonly bytes: number
  readonly architecture: string
  /** How many tokens the model was made to see at once. */
  readonly contextLength: number
  /** Whether the file brings a chat template. */
  readonly chatTemplate: boolean
  /** The longest text of a single token, in bytes of UTF-8; Infinity where that cannot be told. */
  readonly longestTokenBytes: number
}

/** Bytes and elements of one block of each tensor type; types that are not here are not measured. */
const blockOf: Readonly<Record<number, readonly [bytes: number, elements: number]>> = {
  0: [4, 1],
  1: [2, 1],
  2: [18, 32],
  3: [20, 32],
  6: [22, 32],
  7: [24, 32],
  8: [34, 32],
  9: [36, 32],
  10: [84, 256],
  11: [110, 256],
  12: [144, 256],
  13: [176, 256],
  14: [210, 256],
  15: [292, 256],
  16: [66, 256],
  17: [74, 256],
  18: [98, 256],
  19: [50, 256],
  20: [18, 32],
  21: [110, 256],
  22: [82, 256],
  23: [136, 256],
  24: [1, 1],
  25: [2, 1],
  26: [4, 1],
  27: [8, 1],
  28: [8, 1],
  29: [56, 256],
  30: [2, 1],
  34: [54, 256],
  35: [66, 256],
  39: [17, 32],
}

/** Of each block of the llama architecture; alternatives are other ways to store the same. */
const llamaBlock: readonly (readonly string[])[] = [
  ['attn_norm'],
  ['attn_q', 'attn_qkv'],
  ['attn_k', 'attn_qkv'],
  ['attn_v', 'attn_qkv'],
  ['attn_output'],
  ['ffn_norm'],
  ['ffn_up', 'ffn_up_exps', 'ffn_gate_up_exps', 'ffn_up.0'],
  ['ffn_down', 'ffn_down_exps', 'ffn_down.0'],
]

/**
 * Reads the header of a model file and refuses what llama.cpp would abort the whole process for, or load only to
 * fail later.
 * @throws {@link LocalModelError} with code `SPILLWAY_LOCAL_MODEL_INVALID`, naming the file and what is wrong
 */
export async function checkGguf(path: string): Promise<GgufFacts> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new LocalModelError('SPILLWAY_LOCAL_MODEL_INVALID', `cannot use the model file ${path}: ${why}`, {
      cause,
    })
  }
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const stat = await file.stat()
    if (!stat.isFile()) return refuse('it is not a file')
    const header = await readHeader(file, stat.size)
    return check(header, stat.size)
  } catch (error) {
    if (error instanceof NotGguf) return refuse(error.message)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return refuse('there is no such file', error)
    if (error instanceof LocalModelError) throw error
    return refuse(`it cannot be read (${(error as Error).message})`, error)
  } finally {
    await file?.close()
  }
}

/** Headers are kilobytes to some megabytes, and say nowhere how long they are. */
async function readHeader(file: FileHandle, size: number): Promise<GgufHeader> {
  for (let length = 1 << 20; ; length *= 4) {
    const buffer = Buffer.alloc(Math.min(length, size))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    try {
      return parseGgufHeader(buffer.subarray(0, bytesRead))
    } catch (error) {
      if (!(error instanceof MoreBytesNeeded)) throw error
      if (length >= size) throw new NotGguf('it ends in the middle of its header')
    }
  }
}

function check(header: GgufHeader, size: number): GgufFacts {
  const { keys } = header
  const architecture = textKey(header, 'general.architecture')
  const number = (key: string): number => numberKey(header, `${architecture}.${key}`)
  const contextLength = number('context_length')
  const blocks = number('block_count')
  const width = number('embedding_length')
  if (architecture === 'llama') checkLlamaKeys(header, width)
  for (const key of ['layer_norm_rms_epsilon', 'layer_norm_epsilon']) {
    const epsilon = keys.get(`${architecture}.attention.${key}`) ?? 0
    if (typeof epsilon !== 'number' || !(epsilon >= 0)) {
      throw new NotGguf(`the key ${architecture}.attention.${key} is ${String(epsilon)}`)
    }
  }
  checkVocabulary(header)
  for (const tensor of header.tensors) checkPlace(tensor, header.dataStart, size)

  // The parts of a split model hold the tensors between them.
  const split = keys.get('split.count')
  if (typeof split !== 'number' || split <= 1) checkTensors(header, architecture, blocks, width)
  const template = keys.get('tokenizer.chat_template')
  return {
    bytes: size,
    architecture,
    contextLength,
    chatTemplate: typeof template === 'string' && template.trim() !== '',
    longestTokenBytes: longestTokenOf(header),
  }
}

function checkLlamaKeys(header: GgufHeader, width: number): void {
  const value = header.keys.get('llama.attention.head_count')
  if (value === undefined) throw new NotGguf('the key llama.attention.head_count is missing')
  if (typeof value === 'number' && (value < 1 || width % value !== 0)) {
    throw new NotGguf(`llama.attention.head_count ${value} does not divide the embedding length ${width}`)
  }
  if (!header.keys.has('llama.feed_forward_length'))
    throw new NotGguf('the key llama.feed_forward_length is missing')
  if (!header.keys.has('llama.attention.layer_norm_rms_epsilon')) {
    throw new NotGguf('the key llama.attention.layer_norm_rms_epsilon is missing')
  }
}

function checkVocabulary(header: GgufHeader): void {
  const model = textKey(header, 'tokenizer.ggml.model')
  if (model === 'none' || model === 'no_vocab') throw new NotGguf('it has no vocabulary')
  const tokens = header.keys.get('tokenizer.ggml.tokens')
  if (!Array.isArray(tokens) || tokens.length === 0)
    throw new NotGguf('the key tokenizer.ggml.tokens is missing')
  if (new Set(tokens).size !== tokens.length) throw new NotGguf('tokenizer.ggml.tokens holds a token twice')
  for (const key of ['scores', 'token_type']) {
    const values = header.keys.get(`tokenizer.ggml.${key}`)
    const length = (values as { length?: number } | undefined)?.length ?? tokens.length
    if (length !== tokens.length) {
      throw new NotGguf(`tokenizer.ggml.${key} has ${length} entries for ${tokens.length} tokens`)
    }
  }
  for (const [key, value] of header.keys) {
    if (!/^tokenizer\.ggml\..*token_id$/.test(key) || typeof value !== 'number') continue
    // The largest 32-bit number means "none".
    if (value >= tokens.length && value !== 0xffff_ffff) {
      throw new NotGguf(`${key} is ${value}, beyond the ${tokens.length} tokens`)
    }
  }
}

/** Tokenizers that drop white space or letter case before they look for tokens: text of any length may become one. */
const lossyTokenizers: ReadonlySet<unknown> = new Set(['t5', 'bert'])

/** Vocabularies write some bytes, such as a space, as a longer character, and none as a shorter one. */
function longestTokenOf({ keys }: GgufHeader): number {
  if (lossyTokenizers.has(keys.get('tokenizer.ggml.model'))) return Infinity
  const tokens = keys.get('tokenizer.ggml.tokens') as readonly string[]
  return tokens.reduce((longest, token) => Math.max(longest, Buffer.byteLength(token)), 1)
}

function checkPlace(tensor: GgufTensor, dataStart: number, size: number): void {
  const elements = tensor.shape.reduce((product, length) => product * length, 1)
  if (elements === 0) throw new NotGguf(`tensor ${tensor.name} is empty`)
  const block = blockOf[tensor.type]
  const bytes = block === undefined ? 1 : (elements / block[1]) * block[0]
  if (!Number.isInteger(bytes))
    throw new NotGguf(`tensor ${tensor.name} has a shape that its type does not allow`)
  if (dataStart + tensor.offset + bytes > size) {
    throw new NotGguf(`tensor ${tensor.name} lies beyond the end of the file, which may be cut off`)
  }
}

function checkTensors(header: GgufHeader, architecture: string, blocks: number, width: number): void {
  const tensors = new Map(header.tensors.map((tensor) => [tensor.name, tensor]))
  if (tensors.size !== header.tensors.length) throw new NotGguf('it holds a tensor twice')
  const embedding = tensors.get('token_embd.weight')
  if (embedding === undefined) throw new NotGguf('the tensor token_embd.weight is missing')
  if (embedding.shape[0] !== width) throw new NotGguf(`the tensor token_embd.weight is not ${width} wide`)
  const tokens = (header.keys.get('tokenizer.ggml.tokens') as readonly string[]).length
  if ((embedding.shape[1] ?? 1) < tokens)
    throw new NotGguf('the tensor token_embd.weight has fewer rows than tokens')
  if (architecture !== 'llama') return
  if (!tensors.has('output_norm.weight')) throw new NotGguf('the tensor output_norm.weight is missing')
  for (let block = 0; block < blocks; block++) {
    for (const names of llamaBlock) {
      if (names.some((name) => tensors.has(`blk.${block}.${name}.weight`))) continue
      throw new NotGguf(`the tensor blk.${block}.${names[0]}.weight is missing`)
    }
  }
}

function textKey(header: GgufHeader, key: string): string {
  const value = header.keys.get(key)
  if (typeof value !== 'string' || value === '') throw new NotGguf(`the key ${key} is missing`)
  return value
}

function numberKey(header: GgufHeader, key: string): number {
  const value = header.keys.get(key)
  if (typeof value !== 'number') throw new NotGguf(`the key ${key} is missing`)
  if (!Number.isInteger(value) || value < 1) throw new NotGguf(`the key ${key} is ${value}`)
  return value
}

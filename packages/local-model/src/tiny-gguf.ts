import { GgufWriter } from './gguf-writer.ts'

/** What {@link tinyGguf} writes. */
export interface TinyGgufOptions {
  /**
   * What the model says, whatever it is asked. Not empty.
   * @default 'This answer comes from a local model, because Claude did not answer in time.'
   */
  readonly reply?: string
  /**
   * How many transformer blocks compute nothing: 1 answers at once, 128 takes milliseconds a token.
   * @default 1
   */
  readonly blocks?: number
}

const defaultReply = 'This answer comes from a local model, because Claude did not answer in time.'

/** The tokens that every vocabulary begins with: the named ones, then one for each byte. */
const namedTokens = ['<unk>', '<s>', '</s>', '<|im_start|>', '<|im_end|>'] as const
const firstByteToken = namedTokens.length
const firstPieceToken = firstByteToken + 256
const bosToken = 1
const eosToken = 2

/** Token types of the format. */
const normal = 1
const unknown = 2
const control = 3
const byteType = 6

/** 1 as a half float. */
const one16 = 0x3c00
/** 100 as a half float: far enough from the other logits' 0 for any temperature. */
const strong16 = 0x5640

/**
 * Writes a model that gives one fixed reply: a valid GGUF file of 50 KB or more, in the llama architecture, that
 * llama.cpp loads like any other. For tests and demos without a download; it understands nothing.
 *
 * Each token of the reply has its own dimension in the embedding, and the output layer maps that dimension to
 * the next token; all other tokens share dimension 0, which leads to the first one. The blocks in between add zero.
 * @throws RangeError when the reply is empty or `blocks` is not a positive integer
 */
export function tinyGguf(options: TinyGgufOptions = {}): Uint8Array {
  const { reply = defaultReply, blocks = 1 } = options
  if (reply === '') throw new RangeError('the reply of a tiny model must not be empty')
  if (!Number.isInteger(blocks) || blocks < 1) throw new RangeError('blocks must be a positive integer')

  const { sentence, pieces } = spell(reply)
  const vocabulary = firstPieceToken + pieces.length
  const width = Math.ceil((sentence.length + 1) / 32) * 32
  const hidden = 32

  const embedding = new Uint16Array(vocabulary * width)
  const output = new Uint16Array(vocabulary * width)
  for (let token = 0; token < vocabulary; token++) {
    embedding[token * width + sentence.indexOf(token) + 1] = one16
  }
  sentence.forEach((token, index) => {
    output[token * width + index] = strong16
  })
  output[eosToken * width + sentence.length] = strong16

  const file = new GgufWriter()
  file.text('general.architecture', 'llama')
  file.text('general.name', 'Fixed reply')
  file.uint32('llama.context_length', Math.max(2048, Math.floor(32_768 / blocks)))
  file.uint32('llama.embedding_length', width)
  file.uint32('llama.block_count', blocks)
  file.uint32('llama.feed_forward_length', hidden)
  file.uint32('llama.attention.head_count', 1)
  file.uint32('llama.rope.dimension_count', width)
  file.float32('llama.attention.layer_norm_rms_epsilon', 1e-5)
  file.text('tokenizer.ggml.model', 'llama')
  file.texts('tokenizer.ggml.tokens', [...namedTokens, ...byteNames(), ...pieces])
  file.float32s('tokenizer.ggml.scores', new Float32Array(vocabulary))
  file.int32s('tokenizer.ggml.token_type', tokenTypes(vocabulary))
  file.uint32('tokenizer.ggml.bos_token_id', bosToken)
  file.uint32('tokenizer.ggml.eos_token_id', eosToken)
  file.uint32('tokenizer.ggml.unknown_token_id', 0)
  file.bool('tokenizer.ggml.add_space_prefix', false)

  const norm = (): Float32Array => new Float32Array(width).fill(1)
  const zeros = (rows: number, columns: number): Uint16Array => new Uint16Array(rows * columns)
  file.tensor('token_embd.weight', [width, vocabulary], embedding)
  file.tensor('output_norm.weight', [width], norm())
  file.tensor('output.weight', [width, vocabulary], output)
  for (let block = 0; block < blocks; block++) {
    const name = `blk.${block}.`
    file.tensor(`${name}attn_norm.weight`, [width], norm())
    for (const part of ['q', 'k', 'v', 'output']) {
      file.tensor(`${name}attn_${part}.weight`, [width, width], zeros(width, width))
    }
    file.tensor(`${name}ffn_norm.weight`, [width], norm())
    file.tensor(`${name}ffn_gate.weight`, [width, hidden], zeros(width, hidden))
    file.tensor(`${name}ffn_up.weight`, [width, hidden], zeros(width, hidden))
    file.tensor(`${name}ffn_down.weight`, [hidden, width], zeros(hidden, width))
  }
  return file.bytes()
}

/**
 * Spells the reply with tokens of which none comes twice, since a token is all that the model knows of where it
 * stands. A character beyond the basic plane is spelled in bytes, as real vocabularies do.
 */
function spell(reply: string): { sentence: number[]; pieces: string[] } {
  const sentence: number[] = []
  const pieces: string[] = []
  const addPiece = (piece: string): boolean => {
    if (piece === '' || pieces.includes(piece) || (namedTokens as readonly string[]).includes(piece))
      return false
    pieces.push(piece)
    sentence.push(firstPieceToken + pieces.length - 1)
    return true
  }
  let rest = ''
  for (const part of reply.replaceAll(' ', '\u2581').split(/(?=\u2581)|([\u{10000}-\u{10ffff}])/u)) {
    if (part === undefined || part === '') continue
    const bytes = (part.codePointAt(0) as number) > 0xffff ? [...Buffer.from(part)] : []
    const tokens = bytes.map((byte) => firstByteToken + byte)
    const fresh = new Set([...sentence, ...tokens]).size === sentence.length + tokens.length
    if (tokens.length > 0 && fresh && rest === '') sentence.push(...tokens)
    else rest = addPiece(rest + part) ? '' : rest + part
  }
  // What is left over at the end is a repetition: it joins the piece before it.
  while (rest !== '') {
    const last = sentence.pop() as number
    if (last < firstPieceToken) {
      throw new RangeError('the reply of a tiny model must not end by repeating itself')
    }
    rest = pieces.pop() + rest
    if (addPiece(rest)) rest = ''
  }
  return { sentence, pieces }
}

function byteNames(): string[] {
  return Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
}

function tokenTypes(vocabulary: number): Int32Array {
  const types = new Int32Array(vocabulary).fill(normal)
  types.fill(control, 0, firstByteToken)
  types[0] = unknown
  return types.fill(byteType, firstByteToken, firstPieceToken)
}

import type { LlamaModel, LlamaText, Token } from 'node-llama-cpp'
import { endOfPiece, pieceLength } from './text-pieces.ts'

type Tokenizer = LlamaModel['tokenizer']
/** What a tokenizer is called with. */
type Call = [text: string, special?: boolean | 'builtin', options?: 'trimLeadingSpace']

/** A prompt whose tokens are at hand for the chat that is about to begin. */
export interface ReadText {
  /** How many tokens it has; where reading stopped early, an estimate of that, which is above `most`. */
  readonly tokens: number
  /** Whether there are more than `most`. */
  readonly isTooLong: boolean
  /** Forgets the tokens. Harmless when called again. */
  release(): void
}

/** Tokenises prompts without stopping everything else for long. */
export interface PatientTokenizer {
  /**
   * Tokenises a prompt, and stops where it has more than `most` tokens.
   * @throws the signal's reason when it aborts
   */
  read(text: LlamaText, most: number, signal: AbortSignal): Promise<ReadText>
}

/** Where time and turns come from. */
export interface Pace {
  now(): number
  /** Resolves when whatever else waits has had its turn. */
  turn(): Promise<void>
}

const pace: Pace = {
  now: () => performance.now(),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
}

/** How long a prompt is tokenised before others have their turn, in milliseconds. */
const sliceMs = 8

/**
 * Has a model tokenise long texts in pieces. This replaces the model's `tokenizer`, which chats use, so that what is counted
 * here is to the token what they evaluate.
 */
export function patientTokenizer(model: LlamaModel, { now, turn }: Pace = pace): PatientTokenizer {
  const original = model.tokenizer
  const plain = original as (...call: Call) => Token[]
  const kept = new KeptTokens()

  function* piecesOf([text, special, options]: Call): Generator<{
    tokens: readonly Token[]
    length: number
  }> {
    for (let from = 0, end = 0; from < text.length; from = end) {
      end = endOfPiece(text, from)
      // A tokenizer may put a space before a text, but not in the middle of one.
      const tokens = plain(text.slice(from, end), special, from === 0 ? options : 'trimLeadingSpace')
      yield { tokens, length: end - from }
    }
  }
  const tokenize = (...call: Call): Token[] => {
    if (isShort(call)) return plain(...call)
    return [...(kept.get(call) ?? [...piecesOf(call)].flatMap(({ tokens }) => tokens))]
  }
  const { detokenize, isSpecialToken, isEogToken } = original
  const value = Object.freeze(Object.assign(tokenize, { detokenize, isSpecialToken, isEogToken }))
  Object.defineProperty(model, 'tokenizer', { value })

  return {
    async read(text, most, signal) {
      const calls = callsOf(text)
      const length = calls.reduce((sum, [part]) => sum + part.length, 0)
      const mine: Call[] = []
      const release = (): void => {
        for (const call of mine.splice(0)) kept.drop(call)
      }
      let tokens = 0
      let done = 0
      let since = now()
      try {
        for (const call of calls) {
          const found: Token[] = []
          for (const piece of piecesOf(call)) {
            tokens += piece.tokens.length
            done += piece.length
            if (tokens > most) {
              release()
              return { tokens: Math.ceil((tokens * length) / done), isTooLong: true, release }
            }
            for (const token of piece.tokens) found.push(token)
            if (now() - since < sliceMs) continue
            await turn()
            signal.throwIfAborted()
            since = now()
          }
          if (isShort(call)) continue
          kept.keep(call, found)
          mine.push(call)
        }
      } catch (error) {
        release()
        throw error
      }
      return { tokens, isTooLong: false, release }
    },
  }
}

/** The tokens of long texts, each for as long as someone needs them. */
class KeptTokens {
  readonly #entries = new Map<string, { readonly tokens: readonly Token[]; users: number }>()

  get(call: Call): readonly Token[] | undefined {
    return this.#entries.get(keyOf(call))?.tokens
  }

  keep(call: Call, tokens: readonly Token[]): void {
    const entry = this.#entries.get(keyOf(call))
    if (entry === undefined) this.#entries.set(keyOf(call), { tokens, users: 1 })
    else entry.users++
  }

  drop(call: Call): void {
    const entry = this.#entries.get(keyOf(call))
    if (entry !== undefined && --entry.users === 0) this.#entries.delete(keyOf(call))
  }
}

function keyOf([text, special, options]: Call): string {
  return `${special ?? false} ${options ?? ''} ${text}`
}

function isShort([text]: Call): boolean {
  return text.length <= pieceLength
}

/** What a prompt asks of a tokenizer, in its order. */
function callsOf(text: LlamaText): Call[] {
  const calls: Call[] = []
  const record = (...call: Call): Token[] => {
    calls.push(call)
    // How a text is tokenised depends on whether there is anything before it.
    return call[0] === '' ? [] : [0 as Token]
  }
  text.tokenize(record as Tokenizer)
  return calls
}

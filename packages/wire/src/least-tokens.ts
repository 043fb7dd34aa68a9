// Characters for each token of Claude's tokenizer up to 4.6 and of the one since Opus 4.7, as people have measured with
// `count_tokens` (April 2026: sol.ava.dev, pithwire.com): English prose 4.3 and 3.6, German 1.46 times as many tokens with the
// newer one, Python 1.2, TypeScript 1.13, Chinese, Japanese, Russian, Arabic, Hindi, digits the same. Measured here with OpenAI's
// o200k and cl100k, and with the tokenizer that Anthropic published for Claude 2:
//
// | text                    | o200k       | cl100k | Claude 2 |
// | ----------------------- | ----------- | ------ | -------- |
// | English prose, licences | 4.1 to 4.7  | the same | 4.0 to 4.7 |
// | TypeScript, Python      | 3.8 to 4.6  | the same | 3.5 to 4.4 |
// | German, Russian         | 5.0, 4.2    | 4.0, 2.3 | 3.7, 1.9   |
// | Chinese, Japanese, Korean | 1.5, 1.3, 1.9 | 0.9 to 1.0 | 0.9 to 1.0 |
// | Thai, Hindi             | 2.3, 3.3    | 1.0    | 0.6, 1.0 |
// | digits, hex, base64     | 3.0, 1.7, 1.5 | the same | 2.4, 1.7, 1.5 |
// | table padded with spaces | 6.3        | 6.3    | 6.2      |
// | nothing but spaces, `=`, `a` | 128, 64, 8 | the same | |
//
// So no number of characters for each token is safe. What is safe is how all of them cut a text first: words, runs of
// digits and runs of signs are not joined to one token, whatever there is between them.

/** Letters of a word that is no more than one token. */
const longestWord = 24
/** Letters of a longer one for each token: of `aaaa…`; of anything that people write there are fewer. */
const lettersPerToken = 8
const digitsPerToken = 3
const signsPerToken = 64
/** Characters for each token where there are no spaces between words: one is many more than the average of any text. */
const ideographsPerToken = 2
const unspacedPerToken = 4

const SPACE = 0
const LETTER = 1
const DIGIT = 2
const SIGN = 3
const IDEOGRAPH = 4
const UNSPACED = 5

const kinds = new Uint8Array(0x10000).fill(LETTER)
mark(0x00, 0x20, SPACE)
mark(0x21, 0x7e, SIGN)
mark(0x30, 0x39, DIGIT)
mark(0x41, 0x5a, LETTER)
mark(0x61, 0x7a, LETTER)
mark(0x7f, 0xa0, SPACE)
// Thai, Lao; Myanmar; Khmer.
mark(0x0e00, 0x0eff, UNSPACED)
mark(0x1000, 0x109f, UNSPACED)
mark(0x1780, 0x17ff, UNSPACED)
// Punctuation and symbols, which some tokenizers join.
mark(0x2000, 0x2bff, SIGN)
mark(0x2e80, 0x9fff, IDEOGRAPH)
mark(0xac00, 0xd7a3, IDEOGRAPH)
// Halves of what is beyond: emoji, rare ideographs.
mark(0xd800, 0xdfff, UNSPACED)

function mark(from: number, to: number, kind: number): void {
  kinds.fill(kind, from, to + 1)
}

/**
 * How many tokens a text has at least, whatever the tokenizer: for English prose 0.85 of what it has, for code 0.6.
 * @param enough where there are as many, the rest of the text is not looked at
 */
export function leastTokens(text: string, enough: number = Infinity): number {
  let tokens = 0
  let kind = SPACE
  let begun = 0
  for (let at = 0; at < text.length; at++) {
    const next = kinds[text.charCodeAt(at)] as number
    if (next === kind) continue
    tokens += tokensOfRun(kind, at - begun, next)
    if (tokens >= enough) return tokens
    kind = next
    begun = at
  }
  return tokens + tokensOfRun(kind, text.length - begun, SPACE)
}

function tokensOfRun(kind: number, length: number, next: number): number {
  switch (kind) {
    case LETTER:
      return length <= longestWord ? 1 : length / lettersPerToken
    case DIGIT:
      return Math.ceil(length / digitsPerToken)
    case SIGN:
      // A single sign goes with the word behind it: `.length`, `(x`.
      return length === 1 && next === LETTER ? 0 : Math.ceil(length / signsPerToken)
    case IDEOGRAPH:
      return length / ideographsPerToken
    case UNSPACED:
      return length / unspacedPerToken
    default:
      return 0
  }
}

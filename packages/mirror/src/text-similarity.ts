/** How much of each text is compared, in UTF-16 units: some 5,000 words, which take a few milliseconds. */
const compared = 32_768

/** Scripts that put no spaces between words: each character counts as one. */
const words =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmr}\p{scx=Mymr}]|[[\p{L}\p{N}\p{M}]--[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmr}\p{scx=Mymr}]]+/gv

/** A marker before the first word and after the last, so that a single word has pairs as well. */
const edge = ''

/**
 * How alike two texts are: 0 (not a pair of words in common) to 1 (the same words in the same order), by the coefficient
 * of Sørensen and Dice over the pairs of neighbouring words: twice the pairs in common by the pairs of both. A pair that
 * comes twice counts twice. Case and punctuation do not count; the ends of a text do, as separate words. Only
 * the first 32,768 characters are compared. Undefined when neither text has a word.
 *
 * It tells wording, not meaning: two good answers to an open question come out low. Compare candidates by it, not answers.
 */
export function textSimilarity(a: string, b: string): number | undefined {
  const [left, right] = [wordsOf(a), wordsOf(b)]
  if (left.length === 0 && right.length === 0) return undefined
  if (left.length === 0 || right.length === 0) return 0
  const pairs = new Map<string, number>()
  for (const pair of pairsOf(left)) pairs.set(pair, (pairs.get(pair) ?? 0) + 1)
  let common = 0
  for (const pair of pairsOf(right)) {
    const left = pairs.get(pair) ?? 0
    if (left === 0) continue
    pairs.set(pair, left - 1)
    common++
  }
  return (2 * common) / (left.length + 1 + right.length + 1)
}

function wordsOf(text: string): readonly string[] {
  return text.slice(0, compared).toLowerCase().match(words) ?? []
}

function* pairsOf(words: readonly string[]): Generator<string> {
  let previous = edge
  for (const word of words) {
    yield `${previous} ${word}`
    previous = word
  }
  yield `${previous} ${edge}`
}

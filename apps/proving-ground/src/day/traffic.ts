import { Dice } from '../fuzz/dice.ts'

/** The models, and which share of the agents uses each: one pool has more than it can bear, one just about, one has plenty. */
export const models: readonly (readonly [model: string, share: number])[] = [
  ['claude-sonnet-5-5', 0.5],
  ['claude-opus-5-5', 0.35],
  ['claude-haiku-5-5', 0.15],
]

/** One turn of a conversation, as it was decided before the day began. Times are in milliseconds. */
export interface Turn {
  /** Before it: the tools run, or somebody reads and types. */
  readonly thinkMs: number
  /** Tokens that it adds to the prompt. */
  readonly newTokens: number
  /** Whether these include an image. */
  readonly hasImage: boolean
  readonly outputTokens: number
}

/** A conversation: its prompt begins small and grows by about a ninth each turn, so that nine tenths of it are cached. */
export interface Session {
  readonly model: string
  /** Bytes of text that make one token. */
  readonly bytesPerToken: number
  readonly turns: readonly Turn[]
}

/** Tokens of an image, and its bytes in base64. */
export const image: { readonly tokens: number; readonly bytes: number } = { tokens: 1_600, bytes: 60_000 }

const growth = 0.11

/** How busy people are at an hour of the day, from 0 to 1: two peaks, a lunch, a quiet night. */
export function busyness(hour: number): number {
  const bump = (at: number, width: number): number => Math.exp(-(((hour - at) / width) ** 2))
  return Math.min(1, 0.12 + 0.88 * (bump(10.5, 1.9) + bump(15.5, 2.2)))
}

/**
 * How long an agent does nothing before its next session, by the hour, in milliseconds.
 * @param mean that at the busiest hour
 */
export function pauseBefore(
  seed: number,
  agent: number,
  session: number,
  hour: number,
  mean: number,
): number {
  const dice = new Dice(seed, agent, session, 1)
  return (-Math.log(1 - dice.next()) * mean) / busyness(hour)
}

/** @param largestPrompt where a conversation ends at the latest, in tokens */
export function sessionOf(seed: number, agent: number, session: number, largestPrompt: number): Session {
  const dice = new Dice(seed, agent, session, 2)
  const model = modelOf(agent)
  const first = dice.size(8_000, 30_000) + 5_000
  // Most end early, some go on until the context is full.
  const last = Math.min(largestPrompt, first * Math.exp(dice.next() * 5))
  const turns: Turn[] = []
  for (let prompt = 0; prompt < last && turns.length < 120; ) {
    const added = turns.length === 0 ? first : Math.max(200, Math.round(prompt * growth * 2 * dice.next()))
    const newTokens = Math.min(added, largestPrompt - prompt)
    if (newTokens < 200) break
    const hasImage = dice.chance(0.08) && newTokens > 2 * image.tokens
    const outputTokens = dice.size(500, 8_000)
    turns.push({ thinkMs: thinkMs(dice, turns.length), newTokens, hasImage, outputTokens })
    prompt += newTokens
  }
  return { model, bytesPerToken: 3.2 + dice.next(), turns }
}

/** Mostly tools that run for seconds; sometimes somebody goes away for longer than the cache keeps a prompt. */
function thinkMs(dice: Dice, turn: number): number {
  if (turn === 0) return 0
  return dice.chance(0.02) ? dice.between(200, 1_500) * 1_000 : dice.size(15_000, 180_000)
}

/** Agents take the models by turns, by their shares. */
function modelOf(agent: number): string {
  let at = (agent * 0.618_033_988_75) % 1
  for (const [model, share] of models) {
    at -= share
    if (at < 0) return model
  }
  return models[0]?.[0] as string
}

/** What happens to an attempt without any limit: 1 % are told that the vendor is overloaded, 1 % to wait for a moment. */
export function faultOf(
  seed: number,
  attempt: number,
): { readonly status: number; readonly retryAfter?: number } | undefined {
  const dice = new Dice(seed, attempt, 3)
  const at = dice.next()
  if (at < 0.01) return { status: 529 }
  return at < 0.02 ? { status: 429, retryAfter: dice.between(1, 3) } : undefined
}

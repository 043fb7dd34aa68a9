import type { Api, Transcript } from '@spillway/middleware'
import { anthropicSplice } from './anthropic-splice.ts'
import { openaiSplice } from './openai-splice.ts'
import type { Splice } from './splice.ts'

/**
 * A splice for the protocol of the caller.
 * @param outputTokensSoFar what the broken stream has used; the caller sees the sum
 */
export function createSplice(api: Api, transcript: Transcript, outputTokensSoFar: number): Splice {
  return api === 'anthropic'
    ? anthropicSplice(transcript, outputTokensSoFar)
    : openaiSplice(transcript, outputTokensSoFar)
}

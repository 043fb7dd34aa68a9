import type { Api } from '@spillway/middleware'
import type { Transcript } from '@spillway/middleware/kit'
import { anthropicSplice } from './anthropic-splice.ts'
import { textSoFar } from './continuation.ts'
import { openaiSplice } from './openai-splice.ts'
import type { ResponseSoFar } from './response-so-far.ts'
import { responsesSplice } from './responses-splice.ts'
import type { Splice } from './splice.ts'

/**
 * A splice for the protocol of the caller.
 * @param outputTokensSoFar what the broken stream has used; the caller sees the sum
 * @param soFar of a response, whose events have numbers and places
 */
export function createSplice(
  api: Api,
  transcript: Transcript,
  outputTokensSoFar: number,
  soFar: ResponseSoFar | undefined,
): Splice {
  if (api === 'responses' && soFar !== undefined)
    return responsesSplice(soFar, textSoFar(transcript), outputTokensSoFar)
  return api === 'anthropic'
    ? anthropicSplice(transcript, outputTokensSoFar)
    : openaiSplice(transcript, outputTokensSoFar)
}

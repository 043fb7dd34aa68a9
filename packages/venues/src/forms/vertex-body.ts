import type { JsonBody } from '@spillway/middleware/kit'
import { type FirstPartyForm, versionAndBetas } from './bedrock-body.ts'
import { patchedBody } from './patched-body.ts'

/** What Vertex AI reads in the body. */
export interface VertexFacts {
  /** `vertex-2023-10-16`, or `2026-10-21` for Claude 4.7 and later. */
  readonly version: string
  /** Of a count of tokens, whose path names none. */
  readonly model?: string | undefined
}

/**
 * The body of a first-party call as Vertex AI takes it: without `model`, which its path says. All other fields keep their bytes,
 * `stream` among them. Betas stay in their header.
 * @throws SyntaxError where the bytes are no JSON object
 */
export function toVertexBody(body: JsonBody, { version, model }: VertexFacts): JsonBody {
  return patchedBody(body, { anthropic_version: version, model })
}

/**
 * The body of a call to Vertex AI as the first-party API takes it.
 * @param model that of the path; undefined for a count of tokens, which names it in the body
 * @throws SyntaxError where the bytes are no JSON object
 */
export function fromVertexBody(body: JsonBody, model: string | undefined): FirstPartyForm {
  const changed = patchedBody(body, {
    ...(model !== undefined && { model }),
    anthropic_version: undefined,
    anthropic_beta: undefined,
  })
  return { body: changed, headers: versionAndBetas(body) }
}

import { deriveRequest, type ModelRequest } from '@spillway/middleware'
import { fieldOf, type JsonBody, type RequestHeaders } from '@spillway/middleware/kit'
import { pathOf, queryOf } from '@spillway/wire'
import { BodyScanner } from '@spillway/wire/internal'
import {
  betasOf,
  type FirstPartyForm,
  fromBedrockBody,
  fromBedrockCount,
  fromVertexBody,
  withBetas,
} from '../forms/index.ts'
import { patchedBody } from '../forms/patched-body.ts'
import { firstPartyName } from '../model-names.ts'

/**
 * Headers of a call that say who calls a cloud, and that a call was signed: for that cloud alone. AWS's clients accept frames, and say
 * of JSON that it is bytes.
 */
const ofTheCaller = /^(?:authorization|x-api-key|api-key|x-amz-.*|x-goog-.*|accept|content-type)$/

/** What only an answer can use: the first-party count of tokens refuses it. */
const notCounted = { max_tokens: undefined, stream: undefined, temperature: undefined, top_p: undefined }
const notCountedEither = { top_k: undefined, stop_sequences: undefined, metadata: undefined }

/** Asks Bedrock to look over prompt and answer, which no other endpoint would do. */
const guardrail = 'x-amzn-bedrock-guardrailidentifier'

/** A call in a cloud's form as a first-party one, or what is wrong with it. */
export function firstPartyCall(request: ModelRequest): ModelRequest | string {
  const { headers, url } = request
  if (headers[guardrail] !== undefined)
    return 'X-Amzn-Bedrock-GuardrailIdentifier: guardrails are Amazon Bedrock’s, and this call may be answered elsewhere; leave the header out'
  const model = firstPartyName(request.model)
  let form: FirstPartyForm | string
  try {
    form = request.venue === 'bedrock' ? fromBedrock(request, model) : fromVertexBody(request.body, model)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    form = error.message
  }
  if (typeof form === 'string') return form
  const { body, headers: said } = form
  const path = pathOf({ api: request.api, operation: request.operation })
  return deriveRequest(request, {
    venue: undefined,
    model,
    body,
    url: `${path}${queryOf(url)}`,
    headers: withThose(headers, said),
  })
}

function fromBedrock({ body, operation, stream }: ModelRequest, model: string): FirstPartyForm | string {
  if (operation === 'generate') {
    // Models of other vendors have other bodies.
    if (fieldOf(body, 'anthropic_version') === undefined)
      return 'anthropic_version: Field required; InvokeModel is served with the bodies of Claude alone'
    return fromBedrockBody(body, { model, stream })
  }
  if (fieldOf(body, 'input') === undefined) return 'input: expected { "invokeModel": { "body": … } }'
  const bytes = fromBedrockCount(body)
  if (bytes === undefined)
    return 'input.invokeModel.body: expected the body of an InvokeModel call, in base64; the form of Converse is not served'
  const scanner = new BodyScanner()
  scanner.write(bytes)
  const counted: JsonBody | string = scanner.end(bytes)
  if (typeof counted === 'string') return `input.invokeModel.body: ${counted}`
  const form = fromBedrockBody(counted, { model, stream: false })
  return { ...form, body: patchedBody(form.body, { ...notCounted, ...notCountedEither }) }
}

/** The headers of a call for others than its cloud, with what the body has said: its betas besides those of the header. */
function withThose(headers: RequestHeaders, said: RequestHeaders): RequestHeaders {
  const kept = Object.entries(headers).filter(([name]) => !ofTheCaller.test(name))
  const betas = [...new Set([...betasOf(headers), ...betasOf(said)])]
  return withBetas({ ...Object.fromEntries(kept), 'content-type': 'application/json', ...said }, betas)
}

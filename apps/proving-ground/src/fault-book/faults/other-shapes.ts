import { type Fails, type FaultEntry, permanent, transient } from '../fault-entry.ts'
import { ofVendor, type Vendor } from './money.ts'

const group = 'Errors in the shape of another service'

function entry(
  api: Vendor,
  name: string,
  status: number,
  body: object,
  effect: Fails,
  type?: string,
): FaultEntry {
  return {
    name,
    group,
    fault: {
      type: 'status',
      status,
      body: JSON.stringify(body),
      ...(type === undefined ? {} : { headers: { 'x-amzn-errortype': type } }),
    },
    effect: ofVendor(api, effect),
  }
}

/** Amazon Bedrock sells Claude in Anthropic's protocol, and answers with its own errors. */
function aws(exception: string, status: number, effect: Fails): FaultEntry {
  const body = { message: 'No.' }
  return entry(
    'anthropic',
    `status ${status}, AWS’s ${exception}`,
    status,
    body,
    effect,
    `${exception}:http://internal/`,
  )
}

function google(name: string, status: number, effect: Fails): FaultEntry {
  const body = { error: { code: status, message: 'No.', status: name } }
  return entry('anthropic', `status ${status}, Google’s ${name}`, status, body, effect)
}

/** What clients of either protocol could not read as it came. */
export const otherShapes: readonly FaultEntry[] = [
  aws('ThrottlingException', 429, transient(429)),
  aws('ServiceQuotaExceededException', 400, transient(400)),
  aws('ModelErrorException', 424, transient(424)),
  aws('ModelTimeoutException', 408, transient(408, { timeout: true })),
  aws('ModelNotReadyException', 429, transient(429)),
  aws('AccessDeniedException', 403, permanent(403)),
  aws('ValidationException', 400, permanent(400, { callerError: true })),
  google('RESOURCE_EXHAUSTED', 429, transient(429)),
  google('UNAVAILABLE', 503, transient(503)),
  entry(
    'anthropic',
    'status 404, Azure’s DeploymentNotFound',
    404,
    { error: { code: 'DeploymentNotFound', message: 'No.' } },
    permanent(404),
  ),
  entry(
    'openai',
    'status 422, FastAPI’s detail',
    422,
    { detail: 'No.' },
    permanent(422, { callerError: true }),
  ),
  entry(
    'openai',
    'status 400, vLLM’s flat error',
    400,
    { object: 'error', message: 'No.', type: 'BadRequestError', code: 400 },
    permanent(400, { callerError: true }),
  ),
]

const elsewhere = { location: 'http://127.0.0.1:2/v1/elsewhere' }

/** A client that followed would send its prompt and its key past the gateway. */
export const redirects: readonly FaultEntry[] = [301, 302, 307, 308].map((status) => ({
  name: `status ${status}, to somewhere else`,
  group: 'Redirects',
  fault: { type: 'status', status, body: '', headers: elsewhere },
  effect: permanent(502),
}))

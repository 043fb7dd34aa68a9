import { type Answer, type Call, type Dialect, jsonAnswer, type Refusal, type WireError } from './answer.ts'
import { bearerToken, isKnownToken } from './anthropic-validation.ts'

/** Who may call a venue of Google, and where. */
export interface GoogleAccess {
  /** The OAuth access tokens that are let in. @default any */
  readonly tokens?: readonly string[] | ((token: string) => boolean)
  /** The projects that exist. @default any */
  readonly projects?: readonly string[]
  /** The locations that are served: `global`, `us`, `us-east5`, … @default any */
  readonly locations?: readonly string[]
}

/** What is said of a token that is not known, or no longer good. */
export const invalidCredentials: string =
  'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.'

/** What is said to those who may not ask for a prediction there. */
export function predictionDenied(resource: string): string {
  return `Permission 'aiplatform.endpoints.predict' denied on resource '${resource}' (or it may not exist).`
}

/** `google.rpc.Code` and the usual words by status. */
const statuses: Readonly<Record<number, readonly [status: string, message: string]>> = {
  400: ['INVALID_ARGUMENT', 'Request contains an invalid argument.'],
  401: ['UNAUTHENTICATED', invalidCredentials],
  403: [
    'PERMISSION_DENIED',
    "Permission 'aiplatform.endpoints.predict' denied on resource (or it may not exist).",
  ],
  404: ['NOT_FOUND', 'Publisher Model was not found or your project does not have access to it.'],
  429: ['RESOURCE_EXHAUSTED', 'Resource exhausted, please try again later.'],
  499: ['CANCELLED', 'The operation was cancelled.'],
  500: ['INTERNAL', 'Internal error encountered.'],
  503: ['UNAVAILABLE', 'The service is currently unavailable.'],
  504: ['DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'],
}

/** An error in Google's words. */
export function googleError({ status: code = 503, type, message }: WireError): string {
  const [usual, words] = statuses[code] ?? ['UNKNOWN', `Status ${code}`]
  return JSON.stringify({ error: { code, message: message ?? words, status: type ?? usual } })
}

/** An error response of Google's front. */
export function googleAnswer(dialect: Dialect, call: Call, problem: Refusal): Answer {
  return jsonAnswer(googleError(problem), dialect.headers(call), problem.status)
}

/** Says what is wrong with a token, or with the place that a request names. */
export function googleProblem(
  call: Call,
  { tokens, projects }: GoogleAccess,
  project: string,
  location: string,
): Refusal | undefined {
  const token = bearerToken(call)
  if (token === undefined) {
    return {
      status: 401,
      message:
        'Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
    }
  }
  if (!isKnownToken(token, tokens)) return { status: 401 }
  if (projects !== undefined && !projects.includes(project)) {
    const resource = `//aiplatform.googleapis.com/projects/${project}/locations/${location}`
    return { status: 403, message: predictionDenied(resource) }
  }
  const quota = call.request.headers['x-goog-user-project']
  if (projects !== undefined && quota !== undefined && !projects.includes(quota)) {
    return {
      status: 403,
      message: `Caller does not have required permission to use project ${quota}. Grant the caller the roles/serviceusage.serviceUsageConsumer role, or a custom role with the serviceusage.services.use permission.`,
    }
  }
  return undefined
}

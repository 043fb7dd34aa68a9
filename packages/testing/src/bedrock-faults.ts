import { onDemandNotSupported } from './bedrock-models.ts'
import type { ErrorIn200, Fault, StatusFault } from './fault.ts'
import { expiredToken } from './signature-v4.ts'

/** Faults of Bedrock by name. */
export type BedrockFaultName =
  | 'tooManyRequests'
  | 'tooManyTokens'
  | 'tooManyTokensPerDay'
  | 'throttledWithoutHeaders'
  | 'quotaExceeded'
  | 'modelNotReady'
  | 'modelTimeout'
  | 'modelError'
  | 'accessNotGranted'
  | 'notForThisAccount'
  | 'marketplaceDenied'
  | 'useCaseFormMissing'
  | 'legacyModel'
  | 'endOfLife'
  | 'deniedByServicePolicy'
  | 'deniedByIdentityPolicy'
  | 'countryNotSupported'
  | 'onDemandNotSupported'
  | 'timeSkewed'
  | 'expiredToken'
  | 'internal'
  | 'unavailable'
  | 'tooManyConnections'
  | 'unknownOperation'
  | 'internalInStream'
  | 'modelErrorInStream'
  | 'validationInStream'
  | 'throttledInStream'
  | 'timeoutInStream'
  | 'unavailableInStream'
  | 'errorInStream'
  | 'overloadedInStream'
  | 'damagedPayload'
  | 'damagedHeaders'
  | 'damagedPrelude'
  | 'damagedLength'
  | 'cutInFrame'
  | 'splitAtEveryByte'

const status = (code: number, errorType: string, message: string): StatusFault => ({
  type: 'status',
  status: code,
  errorType,
  message,
})
const inStream = (errorType: string): ErrorIn200 => ({ type: 'error-in-200', at: 'after-content', errorType })

/** A refusal by IAM, which writes `Message` with a capital letter. */
function denied(why: string): StatusFault {
  const user = 'arn:aws:sts::123456789012:assumed-role/gateway/session'
  const model = 'arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5'
  const Message = `User: ${user} is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: ${model} ${why}`
  return { ...status(403, 'AccessDeniedException', Message), body: JSON.stringify({ Message }) }
}

const modelError = {
  message: 'The system encountered an unexpected error during processing. Try your request again.',
  originalStatusCode: 500,
  resourceName: 'anthropic.claude-opus-5',
}

/** What Bedrock and Mantle say to accounts that a model is not sold to. */
export const notForThisAccount: string =
  'anthropic.claude-opus-5 is not available for this account. You can explore other available models on Amazon Bedrock. For additional access options, contact AWS Sales at https://aws.amazon.com/contact-us/sales-support/'

/** In the words of public issues until November 2026, else of the API reference. */
export const bedrockFaults: Readonly<Record<BedrockFaultName, Fault>> = {
  tooManyRequests: status(429, 'ThrottlingException', 'Too many requests, please wait before trying again.'),
  tooManyTokens: status(429, 'ThrottlingException', 'Too many tokens, please wait before trying again.'),
  tooManyTokensPerDay: status(
    429,
    'ThrottlingException',
    'Too many tokens per day, please wait before trying again.',
  ),
  throttledWithoutHeaders: {
    ...status(429, 'ThrottlingException', 'Too many tokens, please wait before trying again.'),
    bare: true,
  },
  quotaExceeded: status(
    400,
    'ServiceQuotaExceededException',
    'Your request exceeds the service quota for your account.',
  ),
  modelNotReady: status(
    429,
    'ModelNotReadyException',
    'The model specified in the request is not ready to serve inference requests.',
  ),
  modelTimeout: status(408, 'ModelTimeoutException', 'The request took too long to process.'),
  modelError: {
    ...status(424, 'ModelErrorException', modelError.message),
    body: JSON.stringify(modelError),
  },
  accessNotGranted: status(
    403,
    'AccessDeniedException',
    "You don't have access to the model with the specified model ID.",
  ),
  notForThisAccount: {
    type: 'status',
    status: 403,
    body: JSON.stringify({
      type: 'error',
      error: {
        type: 'permission_error',
        message: notForThisAccount,
      },
    }),
  },
  marketplaceDenied: status(
    403,
    'AccessDeniedException',
    'Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access to this model. Refer to the Amazon Bedrock documentation for further details. Your AWS Marketplace subscription for this model cannot be completed at this time. If you recently fixed this issue, try again after 5 minutes.',
  ),
  useCaseFormMissing: status(
    404,
    'ResourceNotFoundException',
    'Model use case details have not been submitted for this account. Fill out the Anthropic use case details form before using the model. If you have already filled out the form, try again in 15 minutes.',
  ),
  legacyModel: status(
    404,
    'ResourceNotFoundException',
    'Access denied. This Model is marked by provider as Legacy and you have not been actively using the model in the last 30 days. Please upgrade to an active model on Amazon Bedrock',
  ),
  endOfLife: status(
    404,
    'ResourceNotFoundException',
    'This model version has reached the end of its life. Please refer to the AWS documentation for more details.',
  ),
  deniedByServicePolicy: denied(
    'with an explicit deny in a service control policy: arn:aws:organizations::123456789012:policy/o-example/service_control_policy/p-example',
  ),
  deniedByIdentityPolicy: denied(
    'because no identity-based policy allows the bedrock:InvokeModelWithResponseStream action',
  ),
  countryNotSupported: status(
    400,
    'ValidationException',
    'Access to Anthropic models is not allowed from unsupported countries, regions, or territories. Please refer to https://www.anthropic.com/supported-countries for more information on the countries and regions Anthropic currently supports.',
  ),
  onDemandNotSupported: status(400, 'ValidationException', onDemandNotSupported('anthropic.claude-opus-5')),
  timeSkewed: status(
    403,
    'RequestTimeTooSkewed',
    'The difference between the request time and the current time is too large.',
  ),
  expiredToken: status(403, expiredToken.type, expiredToken.message),
  internal: status(
    500,
    'InternalServerException',
    'The system encountered an unexpected error during processing. Try your request again.',
  ),
  unavailable: status(503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.'),
  tooManyConnections: status(
    503,
    'ServiceUnavailableException',
    'Too many connections, please wait before trying again.',
  ),
  // A path that Bedrock does not know, with 200 (vercel/ai#7825, aws-amplify/amplify-flutter#5675).
  unknownOperation: {
    ...{ type: 'status', status: 200, bare: true },
    body: JSON.stringify({
      Output: { __type: 'com.amazon.coral.service#UnknownOperationException' },
      Version: '1.0',
    }),
  },
  internalInStream: inStream('internalServerException'),
  modelErrorInStream: inStream('modelStreamErrorException'),
  validationInStream: inStream('validationException'),
  throttledInStream: inStream('throttlingException'),
  timeoutInStream: inStream('modelTimeoutException'),
  unavailableInStream: inStream('serviceUnavailableException'),
  errorInStream: inStream('InternalError'),
  // Of Claude, in a chunk (BerriAI/litellm#29187).
  overloadedInStream: inStream('overloaded_error'),
  damagedPayload: { type: 'damage', part: 'payload' },
  damagedHeaders: { type: 'damage', part: 'headers' },
  damagedPrelude: { type: 'damage', part: 'prelude' },
  damagedLength: { type: 'damage', part: 'length' },
  cutInFrame: { type: 'cut', at: 'mid-event', how: 'end' },
  splitAtEveryByte: { type: 'drip', bytes: 1, everyMs: 0 },
}

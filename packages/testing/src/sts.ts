import { formOf, type Issuer } from './credential-server.ts'
import type { SecretAnswer, SecretRequest } from './secret-server.ts'
import type { AwsIdentity } from './signature-v4.ts'

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** What STS answers to AssumeRoleWithWebIdentity, the one operation that it knows here. */
export function stsAnswer(
  request: SecretRequest,
  given: Issuer<AwsIdentity>,
  options: { readonly webIdentityTokens?: readonly string[]; readonly roles?: readonly string[] },
): SecretAnswer {
  const { Action, RoleArn = '', RoleSessionName = '', WebIdentityToken = '' } = formOf(request)
  if (Action !== 'AssumeRoleWithWebIdentity')
    return refusal(400, 'InvalidAction', `Could not find operation ${Action} for version 2011-06-15`)
  if (!/^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/.test(RoleArn))
    return refusal(400, 'ValidationError', `${RoleArn} is invalid`)
  if (!/^[\w+=,.@-]{2,64}$/.test(RoleSessionName))
    return refusal(400, 'ValidationError', "1 validation error detected: Value at 'roleSessionName' failed")
  if (options.roles?.includes(RoleArn) === false)
    return refusal(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity')
  const expired = expiryOf(WebIdentityToken)
  if (expired !== undefined && expired * 1000 <= given.now()) {
    const [now, end] = [given.now() / 1000, expired].map((seconds) => Math.floor(seconds))
    return refusal(
      400,
      'ExpiredTokenException',
      `Token expired: current date/time ${now} must be before the expiration date/time${end}`,
    )
  }
  if (WebIdentityToken === '' || options.webIdentityTokens?.includes(WebIdentityToken) === false)
    return refusal(400, 'InvalidIdentityToken', 'Incorrect token audience')
  const { value, expiresAt } = given.issue()
  const account = RoleArn.split(':')[4]
  const name = RoleArn.slice(RoleArn.lastIndexOf('/') + 1)
  return xml(
    200,
    `<AssumeRoleWithWebIdentityResponse xmlns="${namespace}"><AssumeRoleWithWebIdentityResult><SubjectFromWebIdentityToken>subject</SubjectFromWebIdentityToken><Audience>sts.amazonaws.com</Audience><AssumedRoleUser><Arn>arn:aws:sts::${account}:assumed-role/${name}/${RoleSessionName}</Arn><AssumedRoleId>AROASIMULATED:${RoleSessionName}</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>${value.accessKeyId}</AccessKeyId><SecretAccessKey>${value.secretAccessKey}</SecretAccessKey><SessionToken>${value.sessionToken}</SessionToken><Expiration>${new Date(expiresAt).toISOString()}</Expiration></Credentials></AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>`,
  )
}

/** When a token says that it expires, if it is a JWT; in seconds since the Unix epoch. */
function expiryOf(token: string): number | undefined {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return typeof exp === 'number' ? exp : undefined
  } catch {
    return undefined
  }
}

function refusal(status: number, code: string, message: string): SecretAnswer {
  return xml(
    status,
    `<ErrorResponse xmlns="${namespace}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>`,
  )
}

function xml(status: number, text: string): SecretAnswer {
  return { status, text, headers: { 'content-type': 'text/xml' } }
}

import type { RequestSigner } from '@spillway/core-client'
import { type AwsService, type AwsSignatureOptions, awsSignature } from './aws-signature.ts'

/** Variables in which a key may lie that is sent as it is. */
const keyVariables: Readonly<Record<AwsService, string>> = {
  bedrock: 'AWS_BEARER_TOKEN_BEDROCK',
  'bedrock-mantle': 'AWS_BEARER_TOKEN_BEDROCK',
  'aws-external-anthropic': 'ANTHROPIC_AWS_API_KEY',
}

/**
 * The credential that AWS's own clients take: the API key of the environment (`AWS_BEARER_TOKEN_BEDROCK`, or
 * `ANTHROPIC_AWS_API_KEY` at Claude Platform on AWS) where there is one and no `credentials` are given, else a signature.
 */
export function awsCredential(
  options: AwsSignatureOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string | RequestSigner {
  const key = environment[keyVariables[options.service]]?.trim()
  return key && options.credentials === undefined ? key : awsSignature(options)
}

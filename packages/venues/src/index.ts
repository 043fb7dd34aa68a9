export { venueCallers } from './callers/venue-callers.ts'
export { awsCredential } from './credentials/aws-credential.ts'
export type { AwsCredentials, AwsKeys } from './credentials/aws-keys.ts'
export { type AwsService, type AwsSignatureOptions, awsSignature } from './credentials/aws-signature.ts'
export { type EntraCredentialOptions, entraCredential } from './credentials/entra-credential.ts'
export { type GoogleCredentialOptions, googleCredential } from './credentials/google-credential.ts'
export { type BedrockOptions, bedrock } from './endpoints/bedrock.ts'
export { type BedrockProfile, bedrockIds } from './endpoints/bedrock-ids.ts'
export {
  type BedrockMantleOptions,
  bedrockMantle,
  type ClaudeOnAwsOptions,
  type ClaudeOnGoogleOptions,
  claudeOnAws,
  claudeOnGoogle,
  type FoundryOptions,
  foundry,
} from './endpoints/first-party-venues.ts'
export { type VertexOptions, vertex } from './endpoints/vertex.ts'
export { firstPartyName } from './model-names.ts'

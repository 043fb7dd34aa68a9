export type { AccelerationLimit } from './acceleration.ts'
export type { AwsAccess } from './aws-access.ts'
export {
  type AwsCredentialServer,
  type AwsCredentialsOptions,
  type AwsWay,
  startAwsCredentials,
} from './aws-credentials.ts'
export { type BedrockOptions, startBedrock } from './bedrock.ts'
export type { BedrockFaultName } from './bedrock-faults.ts'
export type { BedrockModels } from './bedrock-models.ts'
export { breakerStoreCases, type OpenBreakerStores, type TestedBreakerStore } from './breaker-store-suite.ts'
export { budgetStoreCases, type OpenBudgets, type TestedBudgets } from './budget-store-suite.ts'
export { type ClaudeOptions, startClaude } from './claude.ts'
export { type ClaudeAwsOptions, startClaudeAws } from './claude-aws.ts'
export { type ClaudeGoogleOptions, startClaudeGoogle } from './claude-google.ts'
export type { ModelLifecycle } from './claude-models.ts'
export type { FirstPartyOptions } from './claude-site.ts'
export {
  type ConnectProxy,
  type ConnectProxyOptions,
  type ProxiedRequest,
  startConnectProxy,
} from './connect-proxy.ts'
export type { CredentialServer, CredentialServerOptions } from './credential-server.ts'
export {
  type EnforcedLimits,
  type EnforcedLimitsOptions,
  enforceLimits,
  isRefusal,
  type LimitedCall,
  type LimitedLease,
  type LimitRefusal,
  type PoolLimits,
} from './enforced-limits.ts'
export {
  type EntraTokenServer,
  type EntraTokensOptions,
  type EntraWay,
  startEntraTokens,
} from './entra-tokens.ts'
export type {
  Cut,
  Damage,
  Drip,
  ErrorIn200,
  Fault,
  Malformed,
  Reset,
  SlowFirstToken,
  SlowHeaders,
  Stall,
  StatusFault,
} from './fault.ts'
export { type FoundryOptions, startFoundry } from './foundry.ts'
export type { FoundryFaultName } from './foundry-faults.ts'
export { freePort } from './free-port.ts'
export type { GoogleAccess } from './google-access.ts'
export type { ServiceAccountKey } from './google-jwt.ts'
export {
  type GoogleTokenServer,
  type GoogleTokensOptions,
  type GoogleWay,
  startGoogleTokens,
} from './google-tokens.ts'
export { type KmsOptions, type KmsRequest, type KmsServer, startKms } from './kms.ts'
export { ledgerStoreCases, type OpenLedgerStores, type TestedLedgerStore } from './ledger-store-suite.ts'
export {
  anthropicPool,
  type LimitVendor,
  type Meter,
  type MeterName,
  type Meters,
} from './limit-dialects.ts'
export {
  type ConformanceCase,
  limitStoreCases,
  type OpenLimits,
  type TestedLimits,
} from './limit-store-suite.ts'
export {
  type LimitedVendor,
  type LimitedVendorOptions,
  limitedVendor,
  type SimulatedAnswer,
  type VendorHandle,
  type VendorSink,
} from './limited-vendor.ts'
export {
  type HandlerOf,
  limitedVendorCases,
  type OpenLimiter,
  type OwnLimits,
  type TestedLimiter,
} from './limited-vendor-suite.ts'
export { type MantleOptions, startMantle } from './mantle.ts'
export { type OllamaOptions, startOllama } from './ollama.ts'
export { type OpenAiOptions, startOpenAi } from './openai.ts'
export { type OpenRouterOptions, startOpenRouter } from './openrouter.ts'
export { hasPostgres, type PrivatePostgres, startPostgres } from './postgres-server.ts'
export { type CachedPrompt, type PromptCache, type PromptCacheOptions, promptCache } from './prompt-cache.ts'
export type { RecordedRequest } from './recorded-request.ts'
export { hasRedis, type PrivateRedis, startRedis } from './redis-server.ts'
export { defaultText, type Reply, type ReplyRefusal, type ReplyToolUse, type ReplyUsage } from './reply.ts'
export {
  failureOf,
  requestOn,
  type ScriptedHandler,
  type ScriptedHandlerOptions,
  type ScriptLine,
  scriptedHandler,
} from './scripted-handler.ts'
export { type OpenSealer, sealerCases, type TestedSealer } from './sealer-suite.ts'
export type { SecretServer, SecretServerFault } from './secret-server.ts'
export type { AwsIdentity } from './signature-v4.ts'
export type { ServerOptions, SimulatedServer } from './simulated-server.ts'
export { type SlackMessage, type SlackOptions, type SlackServer, startSlack } from './slack.ts'
export { startTransit, type TransitOptions, type TransitRequest, type TransitServer } from './transit.ts'
export { type OpenTransport, type TestedTransport, transportCases } from './transport-suite.ts'
export { type OpenVaultDrivers, type TestedVaultDriver, vaultDriverCases } from './vault-driver-suite.ts'
export { type VenueFaults, venueFaults } from './venue-faults.ts'
export { startVertex, type VertexOptions } from './vertex.ts'
export type { VertexFaultName } from './vertex-faults.ts'
export { type VirtualClock, type VirtualClockOptions, virtualClock } from './virtual-clock.ts'

export { sdkMiddleware, target, timeouts, wrapFetch } from '@spillway/attempt'
export { compose, isSpillwayError, type Middleware, SpillwayError } from '@spillway/middleware'
export type { AuthScheme } from './authentication.ts'
export { CredentialError } from './checked-source.ts'
export { type Client, type ClientOptions, createClient } from './client.ts'
export type { CodeAnswer } from './code-answer.ts'
export type { Completion } from './completion.ts'
export { type PoolOptions, poolDefaults } from './connection-pool.ts'
export {
  type AccessToken,
  type Credential,
  callerCredential,
  type RefreshingTokenOptions,
  refreshingToken,
  type TokenSource,
} from './credential.ts'
export type {} from './events.ts'
export type { CallOptions, Prompt, Turn } from './prompt.ts'
export type { AppAttribution, Provider, ProviderProfile } from './provider.ts'
export { proxiedFetch } from './proxied-fetch.ts'
export { type ProxySettings, proxySettings } from './proxy.ts'
export {
  type AnthropicSdkRequest,
  aiSdkOptions,
  anthropicMiddleware,
  anthropicOptions,
  openaiOptions,
  openrouterOptions,
} from './sdk-adapters.ts'
export {
  isSigner,
  type RefusedSignature,
  type RequestSignature,
  type RequestSigner,
  type UnsignedRequest,
} from './signing.ts'
export type { TextStream } from './text-stream.ts'

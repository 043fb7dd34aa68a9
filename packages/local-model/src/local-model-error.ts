const marker = Symbol.for('spillway.local-model-error')

/**
 * What went wrong with an embedded model:
 * - `SPILLWAY_LOCAL_ENGINE_MISSING`: the package `node-llama-cpp`, or its binary for this machine, is not installed
 * - `SPILLWAY_LOCAL_MODEL_INVALID`: the model file is missing or malformed
 * - `SPILLWAY_LOCAL_PROMPT_INVALID`: the request cannot be turned into a prompt
 * - `SPILLWAY_LOCAL_PROMPT_TOO_LONG`: the prompt does not fit the context
 * - `SPILLWAY_LOCAL_ENGINE_BUSY`: too many calls wait already
 * - `SPILLWAY_LOCAL_ENGINE_CLOSED`: the engine was closed
 * - `SPILLWAY_LOCAL_ENGINE_FAILED`: llama.cpp failed, or its process crashed; `cause` says how
 */
export type LocalModelErrorCode =
  | 'SPILLWAY_LOCAL_ENGINE_MISSING'
  | 'SPILLWAY_LOCAL_MODEL_INVALID'
  | 'SPILLWAY_LOCAL_PROMPT_INVALID'
  | 'SPILLWAY_LOCAL_PROMPT_TOO_LONG'
  | 'SPILLWAY_LOCAL_ENGINE_BUSY'
  | 'SPILLWAY_LOCAL_ENGINE_CLOSED'
  | 'SPILLWAY_LOCAL_ENGINE_FAILED'

/** An embedded model could not answer. */
export class LocalModelError extends Error {
  override readonly name: string = 'LocalModelError'
  /** Stable; see {@link LocalModelErrorCode}. */
  readonly code: LocalModelErrorCode

  constructor(code: LocalModelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    Object.defineProperty(this, marker, { value: true })
  }
}

/** Whether a value is a {@link LocalModelError}, also one of another copy of this package. */
export function isLocalModelError(value: unknown): value is LocalModelError {
  return typeof value === 'object' && value !== null && marker in value
}

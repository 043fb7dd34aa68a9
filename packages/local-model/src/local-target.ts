import { attempt, type Target, target, timeouts } from '@spillway/attempt'
import { compose } from '@spillway/middleware'
import { embeddedTransport } from './embedded-transport.ts'
import { type Engine, openEngine } from './engine.ts'
import type { EngineOptions } from './engine-options.ts'

/** A model inside this process as a target, for `fallback` and its like. */
export interface LocalTarget extends Target {
  readonly engine: Engine
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface LocalModelOptions extends EngineOptions {
  /** As events, metrics and headers name it. @default 'local' */
  readonly name?: string
}

/**
 * A model inside this process as a target. It sends no headers while it loads or waits for its turn, so only the
 * limit for the first content and the call's deadline bind it.
 */
export function localModel(options: LocalModelOptions): LocalTarget {
  const { name = 'local', ...engineOptions } = options
  const engine = openEngine(engineOptions)
  const handler = compose([timeouts({ headers: Infinity })], attempt(embeddedTransport(engine)))
  const close = (): Promise<void> => engine.close()
  return { ...target(name, handler), engine, close, [Symbol.asyncDispose]: close }
}

import { attempt, localServer, type Target, target, timeouts } from '@spillway/attempt'
import { compose, named, type Timeouts } from '@spillway/middleware'
import { embeddedTransport } from './embedded-transport.ts'
import { type Engine, openEngine } from './engine.ts'
import type { EngineOptions } from './engine-options.ts'
import { unfitPrompts } from './unfit-prompts.ts'
import { unfitTools } from './unfit-tools.ts'

/** A model on this machine as a target, for `fallback` and its like. */
export interface LocalTarget extends Target {
  readonly engine: Engine
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface LocalModelOptions extends EngineOptions {
  /** As events, metrics and headers name it. @default 'local' */
  readonly name?: string | undefined
  /** Limits of this target itself, in milliseconds. @default those of `localServer` in `@spillway/attempt` */
  readonly timeouts?: Partial<Timeouts> | undefined
  /**
   * Whether requests with tools are answered without them (`x-spillway-degraded: tools`). Otherwise they fail as `unfit`.
   * @default false
   */
  readonly dropTools?: boolean | undefined
}

/**
 * A model on this machine as a target. It sends no headers while it loads, reads the prompt or waits for its turn,
 * so limits that suit vendors do not bind it (`localServer`). A prompt that is too long for the model fails as `unfit`, and so
 * does a request with tools, on which `fallback` goes on to the next target; a timeout is not retried.
 */
export function localModel(options: LocalModelOptions): LocalTarget {
  const { name = 'local', timeouts: limits = {}, dropTools = false, ...engineOptions } = options
  const engine = openEngine(engineOptions)
  const policies = [
    ...(dropTools ? [] : [unfitTools()]),
    unfitPrompts(),
    timeouts(limits),
    localServer(limits),
  ]
  const handler = compose(
    policies,
    named(attempt(embeddedTransport(engine)), 'attempt', { options: { at: options.modelPath } }),
  )
  const close = (): Promise<void> => engine.close()
  return { ...target(name, handler), engine, close, [Symbol.asyncDispose]: close }
}

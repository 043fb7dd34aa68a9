import type { PermittedModels } from './permitted-models.ts'
import { SettledModels } from './settled-models.ts'

export interface RefusalFallbackOptions {
  /**
   * The models that may be asked when one declines, in their order, by the model that was asked for. Where the vendor says
   * which ones it permits (`permitted`), the others are left out.
   * @default undefined: the models that `permitted` names, in its order
   */
  readonly models?: readonly string[] | ((model: string) => readonly string[] | undefined) | undefined
  /**
   * Which models the vendor permits for a request, such as `publishedModels({ read })`; asked when a model first declines.
   * @default undefined: nobody says
   */
  readonly permitted?: PermittedModels | undefined
  /**
   * Whether fallback credits are asked for and used, so that the prompt cache is not paid for twice. It takes the beta
   * `fallback-credit-2026-07-01` on every request; turn it off for a server that refuses headers it does not know.
   * @default true
   */
  readonly credit?: boolean | undefined
  /**
   * How long a conversation stays with the model that took it, after its last turn, in milliseconds; 0 or more.
   * @default 3600000
   */
  readonly stayFor?: number | undefined
  /**
   * Conversations that are remembered at most; the ones heard of longest ago are forgotten first.
   * @default 10000
   */
  readonly maxConversations?: number | undefined
}

/** The defaults of {@link RefusalFallbackOptions}. */
export const refusalFallbackDefaults: RefusalFallbackOptions = {
  models: undefined,
  permitted: undefined,
  credit: true,
  stayFor: 3_600_000,
  maxConversations: 10_000,
}

/** The options, ready to be asked. */
export interface RefusalSettings {
  readonly modelsFor: (model: string) => readonly string[] | undefined
  readonly permitted: PermittedModels
  readonly credit: boolean
  readonly settled: SettledModels
}

/** @throws RangeError for options out of range, TypeError where no model could ever be asked */
export function refusalSettings(options: RefusalFallbackOptions): RefusalSettings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const { models, permitted, credit, stayFor, maxConversations } = {
    ...refusalFallbackDefaults,
    ...(given as RefusalFallbackOptions),
  }
  if (!((stayFor as number) >= 0))
    throw new RangeError(`refusal.stayFor must be milliseconds, 0 or more, but is ${stayFor}`)
  if (!((maxConversations as number) >= 1))
    throw new RangeError(`refusal.maxConversations must be 1 or more, but is ${maxConversations}`)
  if (models === undefined && permitted === undefined)
    throw new TypeError('refusal.models or refusal.permitted must say which models may be asked')
  return {
    modelsFor: typeof models === 'function' ? models : () => models,
    permitted: permitted ?? (() => Promise.resolve(undefined)),
    credit: credit !== false,
    settled: new SettledModels(maxConversations as number, stayFor as number),
  }
}

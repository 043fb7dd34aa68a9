import { type ModelRequest, timeLeft } from '@spillway/middleware'
import { definedOnly, guardAsyncHook, guardHook } from '@spillway/middleware/kit'
import type { PermittedModels } from './permitted-models.ts'
import { SettledModels } from './settled-models.ts'

export interface RefusalFallbackOptions {
  /**
   * The models that may be asked when one declines, in their order, by the model that was asked for. Where the vendor says
   * which ones it permits (`permitted`), the others are left out. Where a function throws or answers with anything else, no
   * model is asked.
   * @default undefined: the models that `permitted` names, in its order
   */
  readonly models?: readonly string[] | ((model: string) => readonly string[] | undefined) | undefined
  /**
   * Which models the vendor permits for a request, such as `publishedModels({ read })`; asked when a model first declines. It is
   * waited for up to 15 seconds; where it is late, throws or answers with anything else, nothing is known.
   * @default undefined: unknown
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

/** The options, ready to be asked. What users have passed in is guarded. */
export interface RefusalSettings {
  readonly modelsFor: (model: string) => readonly string[] | undefined
  /** @param request its deadline and signal bound the wait */
  readonly permitted: (request: ModelRequest) => Promise<readonly string[] | undefined>
  readonly credit: boolean
  readonly settled: SettledModels
}

/** How long a refused call waits to hear which models are permitted, in milliseconds. */
const longestLookup = 15_000

/** @throws RangeError for options out of range, TypeError where no model could ever be asked */
export function refusalSettings(options: RefusalFallbackOptions): RefusalSettings {
  const { models, permitted, credit, stayFor, maxConversations } = {
    ...refusalFallbackDefaults,
    ...definedOnly(options),
  }
  if (!((stayFor as number) >= 0))
    throw new RangeError(`refusal.stayFor must be milliseconds, 0 or more, but is ${stayFor}`)
  if (!((maxConversations as number) >= 1))
    throw new RangeError(`refusal.maxConversations must be 1 or more, but is ${maxConversations}`)
  if (models === undefined && permitted === undefined)
    throw new TypeError('refusal.models or refusal.permitted must say which models may be asked')
  return {
    modelsFor: typeof models === 'function' ? guardedModels(models) : () => models,
    permitted: permitted === undefined ? () => Promise.resolve(undefined) : guardedLookup(permitted),
    credit: credit !== false,
    settled: new SettledModels(maxConversations as number, stayFor as number),
  }
}

/** To ask a model that the function would have left out costs money and may break a policy: a broken one names none. */
function guardedModels(
  models: (model: string) => readonly string[] | undefined,
): RefusalSettings['modelsFor'] {
  const asked = guardHook<[string], readonly string[] | 'all permitted'>(
    'refusal.models',
    (model) => {
      const answer = models(model)
      return answer === undefined ? 'all permitted' : answer
    },
    () => [],
    (answer) => answer === 'all permitted' || areNames(answer),
  )
  return (model) => {
    const answer = asked(model)
    return answer === 'all permitted' ? undefined : answer
  }
}

function guardedLookup(permitted: PermittedModels): RefusalSettings['permitted'] {
  const asked = guardAsyncHook('refusal.permitted', permitted, areNames, longestLookup)
  return (request) => {
    const { clock, deadline, signal } = request
    return asked({ clock, left: timeLeft(deadline, clock), signal }, request)
  }
}

function areNames(answer: unknown): boolean {
  return Array.isArray(answer) && answer.every((name) => typeof name === 'string')
}

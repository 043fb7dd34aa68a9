import type { Admission } from './admission.ts'
import { Limiter } from './limiter.ts'
import type { LimitRules, Limits } from './limits.ts'

/** Where limits are counted. */
export interface LimitStore {
  /**
   * The limits of one key, which all processes that use the same store and key share.
   * @param rules what is left out has the default of the option of the same name
   * @throws RangeError for limits that let nothing through
   */
  open(key: string, limits: Limits, rules?: Partial<LimitRules>): Admission
}

/** Limits of this process alone: nothing to connect to, nothing to wait for. */
export function memoryLimitStore(): LimitStore {
  return { open: (_, limits, rules) => new Limiter(limits, rules) }
}

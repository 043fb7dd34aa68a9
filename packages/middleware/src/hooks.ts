import { type Clock, sleep } from './clock.ts'
import { emitWarning } from './emit-warning.ts'

/** Hears that a hook misbehaved, and how. */
type Tell = (what: string) => void

/**
 * Says once, as a warning of the process (`SPILLWAY_HOOK`), that a hook is broken. What a hook throws is not quoted, since it
 * may hold a secret: its name and the line of code where it happened say enough.
 */
function tellOnce(name: string): Tell {
  let hasTold = false
  return (what) => {
    if (hasTold) return
    hasTold = true
    emitWarning(`${name} ${what}; calls go on without it, and this is not repeated`, 'SPILLWAY_HOOK')
  }
}

function thrown(error: unknown): string {
  if (!(error instanceof Error)) return `threw a ${typeof error}`
  const line = /^\s+at .*$/m.exec(typeof error.stack === 'string' ? error.stack : '')?.[0].trim()
  return `threw ${error.name}${line === undefined ? '' : ` ${line}`}`
}

/** Whatever a hook returns that will fail later is ignored. */
function settleLater(result: unknown, fail: (error: unknown) => void): void {
  if (typeof result !== 'object' || result === null) return
  const { then } = result as Partial<PromiseLike<unknown>>
  if (typeof then === 'function') then.call(result, undefined, fail)
}

/**
 * A hook that only hears: what it throws, at once or later as a promise, is told of once and affects no call.
 * @param name as users know it, such as `mirror.onComparison`
 */
export function guardListener<A extends readonly unknown[]>(
  name: string,
  listener: (...args: A) => unknown,
): (...args: A) => void {
  const tell = tellOnce(name)
  const fail = (error: unknown): void => tell(thrown(error))
  return (...args) => {
    try {
      settleLater(listener(...args), fail)
    } catch (error) {
      fail(error)
    }
  }
}

/** Bounds what is remembered of broken listeners of events. */
const mostTypes = 100
const tells = new Map<string, Tell>()

/**
 * Calls a listener of events; whatever it does, the call goes on. Most are made for each call and would each warn by
 * themselves, so it is told once a process for each type of event.
 */
export function tellListener<E extends { readonly type: string }>(
  listener: (event: E) => unknown,
  event: E,
): void {
  try {
    const result = listener(event)
    // For speed: hardly any returns something.
    if (result !== undefined) settleLater(result, (error) => tellOfListener(event.type, error))
  } catch (error) {
    tellOfListener(event.type, error)
  }
}

function tellOfListener(type: string, error: unknown): void {
  const tell = tells.get(type) ?? tellOnce(`a listener of the event ${type}`)
  if (tells.size < mostTypes) tells.set(type, tell)
  if (tells.has(type)) tell(thrown(error))
}

/**
 * A hook that decides: where there is none, where it says `undefined`, throws, or answers with what makes no sense (a promise,
 * for instance), `otherwise` decides. A broken one is told of once.
 * @param name as users know it, such as `retry.when`
 */
export function guardHook<A extends readonly unknown[], R>(
  name: string,
  hook: ((...args: A) => R | undefined) | undefined,
  otherwise: (...args: A) => R,
  isValid: (answer: unknown) => boolean,
): (...args: A) => R {
  if (hook === undefined) return otherwise
  const tell = tellOnce(name)
  return (...args) => {
    try {
      const answer = hook(...args)
      if (answer === undefined) return otherwise(...args)
      if (isValid(answer)) return answer
      tell(`answered with ${described(answer)}`)
      settleLater(answer, () => {})
    } catch (error) {
      tell(thrown(error))
    }
    return otherwise(...args)
  }
}

/** How long a call waits for a hook. */
interface Patience {
  readonly clock: Clock
  /** Milliseconds that the call has left. */
  readonly left: number
  readonly signal?: AbortSignal | undefined
}

/**
 * A hook that decides and may take time: it is waited for up to `maxWait`, as long as the call lasts and its caller stays. Where
 * it is late, says `undefined`, throws, rejects or answers with what makes no sense, there is no answer. A broken one is told of once.
 * @param name as users know it, such as `refusal.permitted`
 * @param maxWait in milliseconds; a hook that takes longer is broken
 */
export function guardAsyncHook<A extends readonly unknown[], R>(
  name: string,
  hook: (...args: A) => PromiseLike<R | undefined> | R | undefined,
  isValid: (answer: unknown) => boolean,
  maxWait: number,
): (patience: Patience, ...args: A) => Promise<R | undefined> {
  const tell = tellOnce(name)
  const ask = async (args: A): Promise<R | undefined> => {
    try {
      const answer = await hook(...args)
      if (answer === undefined || isValid(answer)) return answer
      tell(`answered with ${described(answer)}`)
    } catch (error) {
      tell(thrown(error))
    }
    return undefined
  }
  return async ({ clock, left, signal }, ...args) => {
    const done = new AbortController()
    const leave = (): void => done.abort()
    if (signal?.aborted) return undefined
    signal?.addEventListener('abort', leave)
    const late = sleep(clock, Math.min(maxWait, left), done.signal).then(
      () => {
        if (left >= maxWait) tell(`did not answer within ${maxWait} ms`)
      },
      () => {},
    )
    const answer = await Promise.race([ask(args), late])
    signal?.removeEventListener('abort', leave)
    done.abort()
    return answer ?? undefined
  }
}

function described(answer: unknown): string {
  if (typeof answer === 'number') return String(answer)
  if (answer instanceof Promise) return 'a promise, which is not waited for'
  return answer === null ? 'null' : `a ${typeof answer}`
}

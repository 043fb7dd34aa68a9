import type { Handler, Middleware } from './handler.ts'

/** Something that a policy chooses among: a target of a fallback, an endpoint, a candidate. */
export interface Branch {
  /** What it is, such as `target` or `endpoint`. */
  readonly kind: string
  readonly name: string
  readonly handler: Handler
}

/** What a policy says of itself; never a secret. */
export interface About {
  /** Its main options, or those that are set. What is `undefined` is left out; functions are named by their kind alone. */
  readonly options?: object | undefined
  readonly branches?: readonly Branch[] | undefined
  /** Whether it is left out of descriptions, being of no interest to those who build a chain. */
  readonly hidden?: boolean | undefined
}

/** What is known of a middleware, of a handler, or of a `fetch` over one. */
export interface Description extends About {
  /** Undefined for what is only made of others. */
  readonly name?: string | undefined
  /** What a stack is made of, outermost first. */
  readonly parts?: readonly Middleware[] | undefined
  /** Of a handler: what it passes calls on to. */
  readonly next?: object | undefined
}

/** The same in each copy of this package. */
const key = Symbol.for('spillway.description')

/** What has been said of this very object. */
export function descriptionOf(thing: object): Description | undefined {
  return Object.hasOwn(thing, key) ? (thing as { readonly [key]: Description })[key] : undefined
}

/** Says it on the object itself, where nothing lists it. Objects that take nothing more stay without. */
export function describeAs(thing: object, value: Description): void {
  Reflect.defineProperty(thing, key, { value, configurable: true, enumerable: false, writable: false })
}

/**
 * Gives a middleware or a handler its name in `describe`, and returns it. Policies do so for themselves:
 * `named(middleware, 'retry', { options: { attempts: 3 } })`.
 */
export function named<T extends object>(thing: T, name: string, about: About = {}): T {
  describeAs(thing, { ...about, name })
  return thing
}

/** Remembers what a middleware has made of a handler. */
export function link(made: Handler, wrap: Middleware, next: Handler): Handler {
  const about = descriptionOf(wrap)
  const isNamed = about?.name !== undefined
  // One that only composes others is described by what they have said already.
  if (made === next || (!isNamed && descriptionOf(made) !== undefined)) return made
  describeAs(made, { ...about, name: about?.name ?? nameOf(wrap), next })
  return made
}

/** What a function is called in its program. */
export function nameOf(thing: object): string {
  const { name } = thing as { readonly name?: unknown }
  return typeof name === 'string' && name !== '' ? name : 'anonymous'
}

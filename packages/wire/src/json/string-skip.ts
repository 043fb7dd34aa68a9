import { stringSkipCode } from './string-skip-code.ts'

/** Reads strings 64 bytes at a time, in bytes that were copied to where it can do so. */
export interface StringSkip {
  /** The bytes that `skip` reads from now on, {@link mostLoaded} of them at most. */
  load(bytes: Uint8Array): void
  /**
   * Where what is plain in a string ends, escapes of two bytes included: at its quote, at another escape, at a control character, or 64
   * bytes or fewer before `end`.
   */
  skip(at: number, end: number): number
  /** How many escapes the last `skip` has passed. */
  escapes(): number
}

/** Fewer are not worth the call. */
export const leastSkipped = 64
/** A page of memory. */
export const mostLoaded: number = 64 * 1024

/**
 * `skip` is WebAssembly with vectors, made from `wasm/string-skip-text.ts`: JavaScript has none. For all scanners, of which one reads at a
 * time, and made when the first needs it.
 * @returns undefined where the runtime has no WebAssembly, or none with vectors
 */
export function stringSkip(): StringSkip | undefined {
  made ??= { skip: openStringSkip(globalThis as Runtime) }
  return made.skip
}

let made: { readonly skip: StringSkip | undefined } | undefined

/** What is used of WebAssembly. Not all that run this have its types. */
interface Wasm {
  readonly Module: new (code: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: object }
}

interface Runtime {
  readonly WebAssembly?: Wasm | undefined
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly skip: StringSkip['skip']
}

/** One more. @returns undefined where the runtime has no WebAssembly, or none with vectors */
export function openStringSkip({ WebAssembly: wasm }: Runtime): StringSkip | undefined {
  if (wasm === undefined) return undefined
  try {
    const code = Uint8Array.from(atob(stringSkipCode), (character) => character.charCodeAt(0))
    const { memory, skip } = new wasm.Instance(new wasm.Module(code)).exports as Exports
    const bytes = new Uint8Array(memory.buffer)
    const count = new Int32Array(memory.buffer, mostLoaded, 1)
    return { load: (loaded) => bytes.set(loaded), skip, escapes: () => count[0] as number }
  } catch {
    return undefined
  }
}

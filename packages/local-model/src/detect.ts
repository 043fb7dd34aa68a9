import { type Ask, askOf } from './detect-ask.ts'
import { type LocalServerKind, probes } from './detect-probes.ts'

/** A model server that runs on this machine or nearby. */
export interface LocalServer {
  readonly kind: LocalServerKind
  /** Its base URL, without a path: `http://127.0.0.1:11434`. */
  readonly url: string
  /** The names to ask for; empty while it loads, or when it wants a key before it tells. */
  readonly models: readonly string[]
  readonly version?: string
  /** The APIs of Spillway's callers that it speaks. */
  readonly apis: readonly ('anthropic' | 'openai')[]
  /** `loading`: it runs and will answer in a while. */
  readonly state: 'ready' | 'loading'
}

/** Where and how long to look. */
export interface DetectOptions {
  /** @default ['127.0.0.1'] */
  readonly hosts?: readonly string[]
  /**
   * Where each kind is looked for.
   * @default { ollama: [11434], 'llama.cpp': [8080, 9931], 'lm-studio': [1234], vllm: [8000] }
   */
  readonly ports?: Partial<Readonly<Record<LocalServerKind, readonly number[]>>>
  /**
   * How long each place may take, in milliseconds.
   * @default 1000
   */
  readonly timeoutMs?: number
  /** Ends the search. */
  readonly signal?: AbortSignal
  /** @default the global fetch */
  readonly fetch?: typeof globalThis.fetch
}

const defaultPorts: Readonly<Record<LocalServerKind, readonly number[]>> = {
  ollama: [11434],
  'llama.cpp': [8080, 9931],
  'lm-studio': [1234],
  vllm: [8000],
}

const kinds = Object.keys(defaultPorts) as LocalServerKind[]

/**
 * Finds the model servers that listen on their usual ports, all at once. What answers is taken for a model server
 * only when it answers as that one does; a place where nothing listens, something else does, or nothing comes in
 * time is left out.
 * @throws the signal's reason when it aborts; nothing else
 */
export async function detectLocalModels(options: DetectOptions = {}): Promise<LocalServer[]> {
  const { hosts = ['127.0.0.1'], ports = {}, timeoutMs = 1000, signal, fetch = globalThis.fetch } = options
  signal?.throwIfAborted()
  const searches = hosts.flatMap((host) =>
    kinds.flatMap((kind) =>
      (ports[kind] ?? defaultPorts[kind]).map((port) => {
        const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
        const timeout = AbortSignal.timeout(timeoutMs)
        const ask = askOf(fetch, url, signal === undefined ? timeout : AbortSignal.any([signal, timeout]))
        return search(kind, url, ask)
      }),
    ),
  )
  const found = await Promise.all(searches)
  signal?.throwIfAborted()
  return found.filter((server) => server !== undefined)
}

async function search(kind: LocalServerKind, url: string, ask: Ask): Promise<LocalServer | undefined> {
  const facts = await probes[kind](ask)
  return facts && { kind, url, ...facts }
}

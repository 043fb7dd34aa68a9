import { escapedToken, tokenCode } from '../json/token-code.ts'

/**
 * What has been sighted in a body, at any depth. It may say so of a body that has none, where a name is used for something else, but
 * never misses what is there.
 */
export interface ContentSightings {
  /** Names of files, containers and vector stores. */
  readonly ids: boolean
  /** Names of images, sound, video and documents. */
  readonly media: boolean
  /** What blocks, items and tools call their `type`, but for the usual ones of text and tools. */
  readonly kinds: readonly string[]
  /** Tools: none; only such as the client runs and that name nothing else; others. */
  readonly tools: 'none' | 'plain' | 'other'
}

const IDS = 1
const MEDIA = 2

const marks = new Map<number, number>()
for (const name of ['container', 'container_id', 'file_ids', 'vector_store_ids']) mark(name, IDS)
for (const name of ['image_url', 'images', 'input_audio', 'video_url', 'file_data', 'file_url'])
  mark(name, MEDIA)
mark('file_id', IDS | MEDIA)

function mark(name: string, as: number): void {
  marks.set(tokenCode(name), as)
}

/** Types that nothing depends on: of text, of the client's tools, of their schemas, of options. */
const usual: ReadonlySet<number> = new Set(
  [
    ...['text', 'input_text', 'output_text', 'message', 'thinking', 'redacted_thinking', 'summary_text'],
    ...['tool_use', 'tool_result', 'custom', 'function', 'function_call', 'function_call_output'],
    ...['object', 'string', 'array', 'number', 'integer', 'boolean', 'null'],
    ...['ephemeral', 'enabled', 'disabled', 'adaptive', 'auto', 'any', 'tool', 'none', 'json_schema'],
  ].map(tokenCode),
)

/** More of them are not kept apart. */
const mostKinds = 64
const longestKind = 256

/** Puts together what is sighted while a body is scanned. */
export class Sightings {
  #seen = 0
  #isUnclear = false
  /** Where types that are not usual begin and end. */
  readonly #kinds: number[] = []

  name(code: number): void {
    if (code === escapedToken) this.#isUnclear = true
    else this.#seen |= marks.get(code) ?? 0
  }

  kind(start: number, end: number, code: number): void {
    if (usual.has(code)) return
    if (code === escapedToken || this.#kinds.length === 2 * mostKinds || end - start > longestKind)
      this.#isUnclear = true
    else this.#kinds.push(start, end)
  }

  /** Undefined where it takes a parser to tell. */
  sightings(body: Buffer, tools: ContentSightings['tools']): ContentSightings | undefined {
    if (this.#isUnclear) return undefined
    const kinds: string[] = []
    for (let at = 0; at < this.#kinds.length; at += 2)
      kinds.push(
        body.toString('latin1', (this.#kinds[at] as number) + 1, (this.#kinds[at + 1] as number) - 1),
      )
    return { ids: (this.#seen & IDS) !== 0, media: (this.#seen & MEDIA) !== 0, kinds, tools }
  }
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Prompt } from '../src/prompt.ts'
import { type TinyGgufOptions, tinyGguf } from '../src/tiny-gguf.ts'

/** Makes a folder for files of this test file, which goes away with it. */
export function modelFolder(): (name: string, content: Uint8Array | TinyGgufOptions) => string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-local-model-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return (name, content) => {
    const path = join(folder, name)
    writeFileSync(path, content instanceof Uint8Array ? content : tinyGguf(content))
    return path
  }
}

/** A prompt with one question, and whatever else is given. */
export function promptOf(changes: Partial<Prompt> = {}): Prompt {
  return {
    turns: [{ role: 'user', text: 'Hello?' }],
    maxTokens: undefined,
    stop: [],
    temperature: undefined,
    topP: undefined,
    topK: undefined,
    seed: undefined,
    losses: [],
    ...changes,
  }
}

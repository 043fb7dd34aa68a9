import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { type TinyGgufOptions, tinyGguf } from '../src/tiny-gguf.ts'

export { promptOf } from './prompts.ts'

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

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { parseConfig } from './load-config.ts'

it('warns of a model that each of several workers loads, with the memory of all', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-workers-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const model = join(folder, 'model.gguf')
  writeFileSync(model, '')
  truncateSync(model, 2 ** 30)
  const warnings = (workers: string | number): string[] =>
    parseConfig(
      `server: { workers: ${workers} }
targets:
  local: { api: embedded, model: ${model} }
routes: [{ models: '*', target: local }]`,
      'f',
    ).warnings.map(({ line, key, message }) => `${line} ${key}: ${message}`)
  expect(warnings(4)).toEqual([
    '3 targets.local.model: each of 4 workers loads this model by itself, 4.0 GiB of memory and more in all: set server.workers: 1, or have a server such as Ollama run it for all',
  ])
  expect(warnings(1)).toEqual([])
})

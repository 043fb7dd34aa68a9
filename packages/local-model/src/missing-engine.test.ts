import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@spillway/middleware'
import { afterAll, expect, it } from 'vitest'
import { modelFolder, promptOf } from '../test/model-file.ts'
import { EngineClient } from './engine-client.ts'
import { startEngineProcess } from './engine-process.ts'
import type { EngineWorld } from './engine-supervisor.ts'

const file = modelFolder()

// The same code in a place from which node-llama-cpp cannot be found.
const folder = mkdtempSync(join(tmpdir(), 'spillway-no-engine-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const sources = fileURLToPath(new URL('.', import.meta.url))
mkdirSync(join(folder, 'src'))
for (const name of readdirSync(sources)) copyFileSync(join(sources, name), join(folder, 'src', name))

it('without node-llama-cpp the error says what to install', async () => {
  const start: EngineWorld['start'] = (listener) =>
    startEngineProcess(listener, join(folder, 'src', 'engine-child.ts'))
  const engine = new EngineClient({ modelPath: file('model.gguf', {}) }, { clock: systemClock, start })
  await expect(engine.generate(promptOf(), { text() {} })).rejects.toMatchObject({
    code: 'SPILLWAY_LOCAL_ENGINE_MISSING',
    message: expect.stringContaining('npm install node-llama-cpp'),
  })
  await engine.close()
})

it('it is found in another folder that is named', async () => {
  const start: EngineWorld['start'] = (listener) =>
    startEngineProcess(listener, join(folder, 'src', 'engine-child.ts'))
  const libraryFolder = fileURLToPath(new URL('..', import.meta.url))
  const engine = new EngineClient(
    { modelPath: file('found.gguf', {}), libraryFolder },
    { clock: systemClock, start },
  )
  await engine.load()
  await engine.close()
})

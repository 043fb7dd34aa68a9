import { expect, test, vi } from 'vitest'
import { modelFolder, promptOf } from '../test/model-file.ts'
import { openEngine } from './engine.ts'

vi.mock('node-llama-cpp', () => {
  throw new Error('Cannot find package')
})
const file = modelFolder()

test('without node-llama-cpp the error says what to install', async () => {
  const engine = openEngine({ modelPath: file('model.gguf', {}) })
  await expect(engine.generate(promptOf(), { text() {} })).rejects.toMatchObject({
    code: 'SPILLWAY_LOCAL_ENGINE_MISSING',
    message: expect.stringContaining('npm install node-llama-cpp'),
  })
  await engine.close()
})

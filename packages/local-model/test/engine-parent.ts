// Uses the engine of a model file, says the id of the engine's process, and then ends, or goes on as it is told.
import { promptOf, slowText } from './prompts.ts'
import { watchedEngine } from './watched-engine.ts'

const [, , modelPath = '', then] = process.argv
const { engine, pids } = watchedEngine({ modelPath, contextSize: 8192 })
const { stop } = await engine.generate(promptOf(), { text() {} })
if (then === 'idle') setInterval(() => {}, 1000)
if (then === 'busy') {
  void engine.countTokens([{ role: 'user', text: slowText(8_000_000) }]).catch(() => {})
}
console.log(`${pids[0]} ${stop}`)

import { expect, it } from 'vitest'
import { BlockWatch } from './block-watch.ts'

it('what blocks the gateway before it listens is no finding, what does afterwards is', () => {
  const watch = new BlockWatch()
  const none = () => []
  watch.hear({ at: 1_000, ms: 900, cpuMs: 900 }, none)
  watch.begin(1_500)
  // Reported late: it began while the code was being loaded.
  watch.hear({ at: 1_600, ms: 700, cpuMs: 700 }, none)
  expect(watch.summary).toMatchObject({ longest: 0, over: 0 })
  watch.hear({ at: 2_000, ms: 300, cpuMs: 300 }, none)
  expect(watch.summary).toMatchObject({ longest: 300, over: 1 })
})

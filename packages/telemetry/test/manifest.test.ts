import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

// A second copy of the API, newer than the one of the SDK, does not see what was registered with that: nothing is recorded.
it('brings no copy of the OpenTelemetry API along, and takes every one that has metrics', () => {
  expect(Object.keys(manifest.dependencies)).not.toContain('@opentelemetry/api')
  expect(manifest.peerDependencies).toEqual({ '@opentelemetry/api': '^1.3.0' })
})

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { circuitBreakerDefaults } from '@spillway/circuit-breaker-fallback'
import { defaultTimeouts } from '@spillway/middleware/kit'
import { expect, it } from 'vitest'
import { loadConfig, parseConfig } from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const example = new URL('readme-config.yaml', import.meta.url)

it('the configuration in the README is readme-config.yaml', () => {
  const [, shown] = /```yaml\n([^`]*)```/.exec(readme) ?? []
  expect(shown).toBe(readFileSync(example, 'utf8'))
})

it('the configuration in the README is valid, and all of it is in effect', () => {
  const { config, warnings } = loadConfig(fileURLToPath(example))
  expect(Object.keys(config.targets)).toEqual(['claude', 'openrouter', 'local', 'lastResort'])
  expect(warnings.filter(({ message }) => !message.endsWith('is not set'))).toEqual([])
})

it('the README names every limit and its default', () => {
  for (const [name, ms] of Object.entries(defaultTimeouts)) {
    const [, shown] = new RegExp(`\`timeouts\\.${name}\` +\\| \`([^\`]*)\``).exec(readme) ?? []
    const expected =
      ms === Infinity
        ? 'none'
        : ms === undefined
          ? '20s'
          : ms >= 120_000
            ? `${ms / 60_000}m`
            : `${ms / 1000}s`
    expect(shown, name).toBe(expected)
  }
})

it('the README names what can be set of the circuit breaker, and its default', () => {
  const shown = [...readme.matchAll(/`circuitBreaker\.(\w+)` +\| `?(\w[\w.]*)`? /g)].map(
    ([, name, value]) => [name, value],
  )
  const { window, minimumCalls, failureRate, slowCallThreshold, slowCallRate, openFor, halfOpenProbes } =
    circuitBreakerDefaults
  expect(slowCallThreshold).toBe(Infinity)
  expect(Object.fromEntries(shown)).toEqual({
    enabled: 'true',
    window: `${window / 1000}s`,
    minimumCalls: String(minimumCalls),
    failureRate: String(failureRate),
    slowCallThreshold: 'none',
    slowCallRate: String(slowCallRate),
    openFor: `${openFor / 1000}s`,
    halfOpenProbes: String(halfOpenProbes),
  })
})

it('the target of several endpoints in the README is valid', () => {
  const [, shown] = [...readme.matchAll(/```yaml\n([^`]*)```/g)].map(([, text]) => text)
  const { config } = parseConfig(`${shown}routes: [{ models: "*", target: claude }]`, 'README.md')
  expect(config.targets.claude?.endpoints?.map(({ weight }) => weight)).toEqual([3, undefined])
})

it('the target over several clouds in the README is readme-clouds.yaml, which is valid and in effect', () => {
  const file = new URL('readme-clouds.yaml', import.meta.url)
  expect(readme).toContain(`\`\`\`yaml\n${readFileSync(file, 'utf8')}\`\`\``)
  const { config, warnings } = loadConfig(fileURLToPath(file))
  expect(config.targets.claude?.endpoints?.map(({ api }) => api)).toEqual([
    ...[undefined, 'bedrock', 'bedrock-mantle', 'claude-aws', 'vertex', 'claude-google', 'foundry'],
  ])
  expect(warnings.filter(({ message }) => !message.endsWith('is not set'))).toEqual([])
})

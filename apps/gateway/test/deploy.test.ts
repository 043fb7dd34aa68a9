import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { parseConfig } from '../src/index.ts'
import { temporaryFolder } from './gateway.ts'

// What a configuration names has to be there.
process.env.SPILLWAY_FINGERPRINT_KEY = 'x'.repeat(44)

const folder = join(import.meta.dirname, '../../../docs/deploy')
const chart = join(folder, 'helm/spillway')
const read = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8')

type Tree = { readonly [key: string]: Tree }

const values = parse(read('helm/spillway/values.yaml')) as Tree

/** Seconds of `10s`. */
const secondsOf = (text: string): number => Number.parseFloat(text) * (text.endsWith('m') ? 60 : 1)

describe('Dockerfile', () => {
  const lines = read('Dockerfile').split('\n')
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))

  it('builds in one stage and runs in another, without rights and without a shell', () => {
    expect(lines.filter((line) => line.startsWith('FROM '))).toHaveLength(2)
    expect(last[0]).toMatch(/^FROM gcr\.io\/distroless\/nodejs24-debian\d+:nonroot$/)
    expect(last).toContainEqual(expect.stringMatching(/^USER \d+:\d+$/))
    expect(last.filter((line) => /^(RUN|ADD) /.test(line))).toEqual([])
    expect(lines.filter((line) => /:latest\b/.test(line))).toEqual([])
    for (const key of ['CMD', 'ENTRYPOINT'])
      expect(last).toContainEqual(expect.stringMatching(`^ *${key} \\[`))
  })

  it('has a health check that works where there is nothing but Node', async () => {
    const [, json = ''] = /HEALTHCHECK[^[]*CMD (\[.*\])$/m.exec(read('Dockerfile')) ?? []
    const [, flag, script = ''] = JSON.parse(json) as string[]
    expect(flag).toBe('-e')
    const { status } = spawnSync(process.execPath, ['-e', script.replace('8787', '1')])
    expect(status).toBe(1)
  })
})

describe('compose.yaml', () => {
  const { services } = parse(read('compose.yaml')) as { services: Record<string, Record<string, unknown>> }

  it('waits for Redis and PostgreSQL, and longer than the gateway drains', () => {
    expect(services.gateway).toMatchObject({ read_only: true, cap_drop: ['ALL'], user: '65532:65532' })
    const { server } = parse(read('spillway.yaml')) as { server: Record<string, string> }
    const stops = secondsOf(String(server.drainDelay)) + secondsOf(String(server.drainFor)) + 5
    expect(secondsOf(String(services.gateway?.stop_grace_period))).toBeGreaterThanOrEqual(stops)
    for (const name of ['redis', 'postgres']) expect(services[name]).toHaveProperty('healthcheck')
  })

  it('sets the variables that its configuration names', () => {
    const { config } = parseConfig(read('spillway.yaml'), 'spillway.yaml')
    expect(config.server).toMatchObject({ host: '0.0.0.0', auth: 'keys', drainDelay: 5_000 })
    const named = [...read('spillway.yaml').matchAll(/^[^#\n]*env:([A-Z_]+)/gm)].map(
      ([, name]) => name as string,
    )
    expect(Object.keys(services.gateway?.environment as object).sort()).toEqual([...new Set(named)].sort())
  })
})

describe('the chart', () => {
  const schema = JSON.parse(read('helm/spillway/values.schema.json')) as Parameters<
    typeof z.fromJSONSchema
  >[0]
  const isValid = (of: unknown) => z.fromJSONSchema(schema).safeParse(of).success

  it('has values that fit their schema, which refuses others', () => {
    expect(isValid(values)).toBe(true)
    expect(isValid({ ...values, replica: 3 })).toBe(false)
    const config = { ...values.config, server: { ...values.config?.server, host: '127.0.0.1' } }
    expect(isValid({ ...values, config })).toBe(false)
  })

  it('has a configuration that a gateway takes', () => {
    const { config } = parseConfig(stringify(values.config), 'values.yaml')
    expect(config.server).toMatchObject({ host: '0.0.0.0', drainDelay: 10_000, drainFor: 60_000 })
  })

  it('takes the values of the guide, whose configuration a gateway takes', () => {
    const guide = readFileSync(join(folder, '../guides/kubernetes.md'), 'utf8')
    const shown = [...guide.matchAll(/```yaml \[my-values\.yaml\]\n([^`]*)```/g)]
    const own = parse(shown.map(([, text]) => text).join('')) as Tree
    expect(shown).toHaveLength(2)
    expect(isValid({ ...values, ...own })).toBe(true)
    const known = new Set(Object.keys(values))
    expect(Object.keys(own).filter((key) => !known.has(key))).toEqual([])
    process.env.SPILLWAY_DATABASE_URL = 'postgres://spillway@127.0.0.1/spillway'
    const { config } = parseConfig(stringify(own.config), 'my-values.yaml')
    expect(config).toMatchObject({
      server: { auth: 'keys', drainFor: 300_000 },
      state: { redis: 'redis://redis.data:6379' },
    })
  })

  it('asks for no value that there is not', () => {
    const templates = readdirSync(join(chart, 'templates')).map((name) =>
      read('helm/spillway/templates', name),
    )
    const asked = templates.flatMap((text) =>
      [...text.matchAll(/\.Values((?:\.\w+)+)/g)].map(([, path]) => path),
    )
    expect(asked.length).toBeGreaterThan(30)
    for (const path of asked) {
      const names = (path as string).slice(1).split('.')
      // What of the configuration may be left out has a default there.
      if (names[0] === 'config') continue
      const found = names.reduce<Tree | undefined>((tree, name) => tree?.[name], values)
      expect(found, path).not.toBeUndefined()
    }
  })

  const hasHelm = spawnSync('helm', ['version']).error === undefined
  it.skipIf(!hasHelm)('is rendered by helm', () => {
    const text = execFileSync('helm', ['template', 'prod', chart, '--kube-version', '1.33.0'], {
      encoding: 'utf8',
    })
    const kinds = text
      .split(/^---$/m)
      .flatMap((each) => (parse(each) as { kind?: string } | null)?.kind ?? [])
    expect(kinds.sort()).toEqual(
      ['ConfigMap', 'Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'ServiceAccount'].sort(),
    )
    expect(text).toMatch(/terminationGracePeriodSeconds: 85$/m)
  })
})

describe('spillway.service', () => {
  const hasSystemd = spawnSync('systemd-analyze', ['--version']).error === undefined

  it.skipIf(!hasSystemd)('has nothing wrong, and is exposed to little', () => {
    const root = temporaryFolder()
    mkdirSync(join(root, 'bin'))
    cpSync('/bin/true', join(root, 'bin/spillway'))
    const unit = join(root, 'spillway.service')
    writeFileSync(unit, read('spillway.service').replaceAll('/opt/spillway/bin', join(root, 'bin')))
    const verified = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' })
    const said = verified.stderr.split('\n').filter((line) => line.includes('spillway.service'))
    expect(said).toEqual([])
    const rated = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', unit], {
      encoding: 'utf8',
    })
    expect(rated.stdout).toMatch(/Overall exposure level for spillway\.service: [01]\.\d OK/)
  })

  it('gives a gateway the time that it takes to stop', () => {
    const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(read('spillway.service')) ?? []
    expect(Number(seconds)).toBeGreaterThanOrEqual(30 + 5)
  })
})

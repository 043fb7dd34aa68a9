import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../test/gateway.ts'
import type { LogConfig } from '../config/config.ts'
import type { AnsweredCall } from '../server/handle-call.ts'
import { openGatewayLog } from './gateway-log.ts'

const reports = [
  {
    target: 'claude',
    failure: { kind: 'circuit_open', message: 'm', origin: 'spillway', retryAfterMs: 9_000 },
    durationMs: 0,
  },
  {
    target: 'other',
    failure: { kind: 'server', message: 'bad key sk-ant-CANARY-0123456789', origin: 'upstream', status: 500 },
  },
]
const call = {
  ...{ model: 'claude-opus-5-5', stream: true, waited: 12.4, callId: 'c-1', path: '/v1/messages' },
  ...{ tenant: 'key-abc', session: 's-1' },
  response: {
    ...{ status: 200, target: 'local', failure: undefined },
    outcome: Promise.resolve({ failure: undefined }),
  },
  record: {
    ...{ reports, begun: 2, attempts: [], running: 0 },
    fallback: () => ({ reason: 'circuit_open' }),
  },
} as unknown as AnsweredCall

async function logWith(log: LogConfig = {}, width?: number) {
  const [out, err]: string[][] = [[], []]
  const lines = {
    out: (line: string) => void out?.push(line),
    err: (line: string) => void err?.push(line),
    dropped: () => ({ stdout: 0, stderr: 0 }),
    flush: async () => {},
  }
  const routes = [{ models: 'claude-*', target: 'claude', fallback: [] }]
  const config = { server: { host: 'h', port: 0, auth: 'none' as const, log }, routes }
  return {
    log: await openGatewayLog({ config, lines, columns: () => width }),
    out: out ?? [],
    err: err ?? [],
  }
}

it('json: one object a call, with date, call, tenant, session, route and the reasons, without secrets', async () => {
  const { log, out } = await logWith({ format: 'json' })
  log.call(call)
  expect(out).toHaveLength(1)
  expect(JSON.parse(out[0] as string)).toMatchObject({
    ...{ level: 'info', event: 'call', call: 'c-1', tenant: 'key-abc', session: 's-1', route: 'claude-*' },
    ...{ path: '/v1/messages', target: 'local', fallback: 'circuit_open', waitedMs: 12, attempts: 2 },
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    reasons: ['claude: open, next probe in 9.0 s', 'other: 500 bad key [redacted]'],
  })
})

it('json: each change of state is an object of the same stream', async () => {
  const { log, out, err } = await logWith({ format: 'json' })
  const change = { scope: 'model', key: 'm', from: 'closed', to: 'open', reason: 'failure_rate' } as never
  log.circuit({ target: 'claude', endpoint: '1', change })
  log.vault({ type: 'vault.recovered' })
  log.warn('redis is unavailable')
  log.info('listening on http://127.0.0.1:1')
  log.summary()
  expect(out.map((line) => JSON.parse(line)).map(({ level, event }) => [level, event])).toEqual([
    ['warn', 'circuit'],
    ['info', 'vault.recovered'],
    ['warn', 'notice'],
    ['info', 'notice'],
    ['info', 'summary'],
  ])
  expect(err).toEqual([])
})

it('pretty: the date and who asked where there is space; on a terminal no line is longer than it is wide', async () => {
  const wide = await logWith()
  wide.log.call(call)
  wide.log.warn('redis is unavailable')
  expect(stripVTControlCharacters(wide.out[0] as string)).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}local .*claude: open, next probe in 9\.0 s; .* {2}call=c-1 route=claude-\* tenant=key-abc session=s-1$/,
  )
  expect(wide.err[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}redis is unavailable$/)
  for (const width of [80, 100, 130, 170]) {
    const { log, out } = await logWith({}, width)
    log.call(call)
    const line = stripVTControlCharacters(out[0] as string)
    expect(line.length).toBeLessThanOrEqual(Math.max(width, 90))
    expect(line).toMatch(width < 120 ? /^\d\d:\d\d:\d\d {2}/ : /^\d{4}-/)
  }
})

it('level: warn leaves out what is routine, and the summary counts it all the same', async () => {
  const { log, out, err } = await logWith({ level: 'warn' })
  log.call(call)
  log.circuit({
    ...{ target: 'claude', endpoint: '1' },
    change: { scope: 'key', key: 'k', from: 'open', to: 'closed', reason: 'probes_succeeded' } as never,
  })
  log.warn('redis is unavailable')
  expect([out, err.length]).toEqual([[], 1])
  const { log: routine, out: said } = await logWith()
  routine.call(call)
  routine.summary()
  expect(said.at(-1)).toMatch(/ {2}served 1 call in .*: local 1, 0 failed, 1 by a fallback$/)
})

it('another format, level and other routes hold from the next line on', async () => {
  const { log, out } = await logWith()
  const use = (settings: LogConfig, models = 'claude-*') =>
    log.use({
      server: { host: 'h', port: 0, auth: 'none', log: settings },
      routes: [{ models, target: 'claude', fallback: [] }],
    })
  log.call(call)
  await use({ format: 'json' }, 'claude-opus-*')
  log.call(call)
  await use({ level: 'warn' })
  log.call(call)
  await use({})
  log.call(call)
  expect(out).toHaveLength(3)
  expect(out[0]).toContain('route=claude-* ')
  expect(JSON.parse(out[1] as string)).toMatchObject({ event: 'call', route: 'claude-opus-*' })
  expect(out[2]).toContain('route=claude-* ')
})

it('file: lines are appended there, readable by their owner alone; one that cannot be opened says why', async () => {
  const file = join(temporaryFolder(), 'spillway.log')
  for (const format of ['json', 'pretty'] as const) {
    const { log, out } = await logWith({ format, file })
    log.call(call)
    log.info('listening on http://127.0.0.1:1')
    expect(out).toEqual(['listening on http://127.0.0.1:1'])
    await log.flush(1_000)
  }
  expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(3)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  await expect(logWith({ file: join(file, 'no') })).rejects.toThrow(
    /^server\.log\.file: .* cannot be written/,
  )
})

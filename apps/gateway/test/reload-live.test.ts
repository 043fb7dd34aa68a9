import { writeFileSync } from 'node:fs'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { configOf, forThisTest, targetAt } from './gateway.ts'
import { messages, send } from './raw-client.ts'
import { configFile, ready, spillway, until } from './spillway.ts'

// These tests start the built program: `pnpm build` comes first.

it('takes level and format of the log, routes in it, and bounds of the server live, and names what it cannot', async () => {
  const claude = forThisTest(await startClaude())
  const written = (server: object, models = '*') =>
    stringify({
      ...configOf(targetAt(claude, 'anthropic')),
      ...{ server, routes: [{ models, target: 'claude' }] },
    })
  const file = configFile(written({}))
  const run = spillway(['start', '--config', file, '--port', '0'])
  await until(() => ready.test(run.stdout()))
  const ask = (more: object = {}) =>
    send(`${ready.exec(run.stdout())?.[1]}/v1/messages`, { body: messages(more) })
  const reload = async (text: string, heard: string): Promise<void> => {
    writeFileSync(file, text)
    process.kill(run.child.pid as number, 'SIGHUP')
    await until(() => (run.stdout() + run.stderr()).includes(heard))
  }
  const lines = (): string[] => run.stdout().trimEnd().split('\n')
  const last = (): { [name: string]: unknown } => JSON.parse(lines().at(-1) as string)

  await ask()
  expect(lines().at(-1)).toMatch(/^\d{4}-.* claude +ok /)
  await reload(written({ log: { format: 'json' } }, 'claude-*'), 'changed: server.log.format, routes')
  await ask()
  expect(last()).toMatchObject({ event: 'call', route: 'claude-*', target: 'claude' })

  const bounds = { maxInFlightBytes: '1MiB', stallTimeout: '9s', bodyTimeout: '9s', keepAliveAfter: '9s' }
  const restart = { headersTimeout: '9s', port: 1, log: { level: 'warn', file: 'x.log' } }
  await reload(written({ ...bounds, ...restart, drainFor: '1s' }, 'claude-*'), 'cannot change while it runs')
  const [taken, named] = lines().slice(-2)
  for (const key of [...Object.keys(bounds), 'drainFor', 'log.level', 'log.format'])
    expect(taken).toContain(`server.${key}`)
  expect(JSON.parse(named as string).msg).toBe(
    'warning: server.port, server.log.file, server.headersTimeout cannot change while it runs: restart the gateway for that',
  )

  const before = lines().length
  expect((await ask()).status).toBe(200)
  expect(lines()).toHaveLength(before)
  expect((await ask({ system: 'x'.repeat(2 ** 20) })).text).toContain('(server.maxInFlightBytes)')
  process.kill(run.child.pid as number, 'SIGTERM')
  expect(await run.exit).toBe(0)
  expect(run.stdout() + run.stderr()).toContain('(up to 1 s)')
}, 30_000)

it('says that nothing was taken where all that has changed needs a restart, and of what is the same that it is', async () => {
  const claude = forThisTest(await startClaude())
  const written = (port: number) =>
    stringify({ ...configOf(targetAt(claude, 'anthropic')), server: { port } })
  const file = configFile(written(1))
  const run = spillway(['start', '--config', file, '--port', '0'])
  await until(() => ready.test(run.stdout()))
  const hangUp = () => process.kill(run.child.pid as number, 'SIGHUP')
  hangUp()
  await until(() => run.stdout().includes('(SIGHUP); nothing of it has changed'))
  writeFileSync(file, written(2))
  hangUp()
  await until(() => run.stdout().includes('(SIGHUP); nothing of it was taken'))
  await until(() => run.stderr().includes('server.port cannot change while it runs'))
}, 30_000)

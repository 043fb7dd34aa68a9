import { expect, it } from 'vitest'
import { type Starting, spareCoresForCalls } from './spare-cores.ts'

interface Fake {
  readonly execArgv?: string[]
  readonly env?: Record<string, string>
  readonly channel?: object
  readonly platform?: string
  readonly execPath?: string
  readonly execve?: undefined
}

/** How a process is started once more; undefined when it is not. */
function again(cores: number, fake: Fake = {}): readonly string[] | undefined {
  let started: readonly string[] | undefined
  const here = {
    ...{
      execArgv: [],
      env: { HOME: '/root' },
      channel: undefined,
      platform: 'linux',
      execPath: process.execPath,
    },
    ...{ argv0: 'node', argv: [process.execPath, '/bin/spillway', 'start', '--quiet'] },
    execve(path: string, args: readonly string[], env: object) {
      expect(path).toBe(process.execPath)
      expect(env).toEqual(fake.env ?? { HOME: '/root' })
      started = args
    },
    ...fake,
  }
  spareCoresForCalls(here as unknown as Starting, cores)
  return started
}

it('starts once more with as many helper threads of V8 as leave a core for calls', () => {
  expect(again(1)).toEqual(['node', '--v8-pool-size=1', '/bin/spillway', 'start', '--quiet'])
  expect(again(2)?.[1]).toBe('--v8-pool-size=1')
  expect(again(4)?.[1]).toBe('--v8-pool-size=3')
})

it('keeps the flags that Node was started with', () => {
  expect(again(2, { execArgv: ['--inspect'] })).toEqual([
    ...['node', '--v8-pool-size=1', '--inspect', '/bin/spillway', 'start', '--quiet'],
  ])
})

it.each<[string, number, Fake]>([
  ['there are cores enough', 5, {}],
  ['it has been started again already', 2, { execArgv: ['--v8-pool-size=1'] }],
  ['NODE_OPTIONS say a number', 2, { env: { NODE_OPTIONS: '--v8-pool-size=2' } }],
  ['its parent talks to it', 2, { channel: {} }],
  ['this is Windows', 2, { platform: 'win32' }],
  ['this Node cannot', 2, { execve: undefined }],
  ['the program of Node has been removed since', 2, { execPath: '/nowhere/node' }],
])('starts as it is where %s', (_, cores, fake) => {
  expect(again(cores, fake)).toBeUndefined()
})

import { EventEmitter } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { portPair } from '../../test/port-pair.ts'
import { LiveEvents } from '../api/live-events.ts'
import { openChannel } from './channel.ts'
import { liveHost, remoteLive } from './live-channel.ts'

/** Lets a note arrive: from a worker to the primary, and from there to the others. */
async function told(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Someone who watches. */
function viewer() {
  const written: string[] = []
  const res = Object.assign(new EventEmitter(), {
    ...{ writableLength: 0, writeHead() {}, end() {} },
    write: (text: string) => written.push(text),
  })
  const events = (): unknown[] =>
    written.flatMap((text) => /^event: (?!ping)(\w+)\ndata: (.*)/m.exec(text)?.slice(1, 3).join(' ') ?? [])
  return { res: res as never, events, leave: () => res.emit('close') }
}

function workers(count: number) {
  const host = liveHost()
  return Array.from({ length: count }, () => {
    const [here, there] = portPair()
    host.serve(openChannel(there))
    const sharing = remoteLive(openChannel(here))
    const live = new LiveEvents({ sharing })
    onTestFinished(() => live.close())
    return { live, sharing, port: here }
  })
}

const get = { method: 'GET' } as never

it('shows what happens in any worker, once, and sends nothing while nobody watches elsewhere', async () => {
  const [one, other, third] = workers(3) as [Worker, Worker, Worker]
  const here = viewer()
  one.live.join(get, here.res)
  await told()
  expect([one, other, third].map(({ sharing }) => sharing.isWanted)).toEqual([false, true, true])
  one.live.send('call', { of: 'one' })
  other.live.send('call', { of: 'other' })
  await told()
  expect(here.events()).toEqual(['call {"of":"one"}', 'call {"of":"other"}'])
  const there = viewer()
  third.live.join(get, there.res)
  await told()
  expect(one.sharing.isWanted).toBe(true)
  other.live.send('circuit', { of: 'other' })
  await told()
  expect([here.events().length, there.events()]).toEqual([3, ['circuit {"of":"other"}']])
  here.leave()
  third.port.cut()
  await told()
  expect([one, other].map(({ sharing }) => sharing.isWanted)).toEqual([false, false])
})

type Worker = ReturnType<typeof workers>[number]

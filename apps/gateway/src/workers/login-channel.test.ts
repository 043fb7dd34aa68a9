import { virtualClock } from '@spillway/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { portPair } from '../../test/port-pair.ts'
import { wholeOperator } from '../operators/operator.ts'
import { type Holder, Sessions } from '../operators/sessions.ts'
import { openChannel } from './channel.ts'
import { loginHost, remoteLogins } from './login-channel.ts'

const holder: Holder = { by: 'code', actor: 'admin:alice' }
const alice = wholeOperator('admin:alice')

/** A primary, and workers that join it. */
function primary() {
  const clock = virtualClock()
  const host = loginHost(clock)
  const join = async () => {
    const [here, there] = portPair()
    const channel = openChannel(there, { clock })
    host.serve(channel)
    onTestFinished(() => channel.close())
    const logins = await remoteLogins(openChannel(here, { clock }))
    const holderOf = vi.fn((asked: Holder) => (asked.by === 'code' ? wholeOperator(asked.actor) : undefined))
    const sessions = new Sessions({ clock, sharing: logins.sessions, holderOf })
    return { logins, sessions, port: here, primary: there }
  }
  return { clock, join }
}

const soon = 4_000

/** Lets a note arrive: from a worker to the primary, and from there to the others. */
async function told(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('sessions of several workers', () => {
  it('are known to all when the login is answered, and to those that begin later', async () => {
    const { join } = primary()
    const [one, other] = [await join(), await join()]
    other.primary.isRead = false
    const { id, session, known } = one.sessions.open('admin:alice', () => alice, holder)
    const answered = vi.fn()
    void known.then(answered)
    await told()
    expect(answered).not.toHaveBeenCalled()
    other.primary.isRead = true
    await known
    const { csrf, endsAt } = session
    expect(other.sessions.use(id)).toMatchObject({ name: 'admin:alice', csrf, endsAt })
    expect(other.sessions.use(id)?.now()?.name).toBe('admin:alice')
    const later = await join()
    expect(later.sessions.use(id)).toMatchObject({ csrf })
    expect(later.sessions.use('another')).toBeUndefined()
  })

  it('end everywhere with a logout, and nowhere before because another worker was asked', async () => {
    const { clock, join } = primary()
    const [one, other] = [await join(), await join()]
    const { id, known } = one.sessions.open('admin:alice', () => alice, holder)
    await known
    // Used at one of them alone, for longer than an unused one lasts.
    for (let hour = 0; hour < 3; hour++) {
      await clock.advance(3_600_000)
      expect(one.sessions.use(id)).toBeDefined()
      await told()
    }
    expect(other.sessions.use(id)).toBeDefined()
    other.sessions.end(id)
    await vi.waitFor(() => expect(one.sessions.use(id)).toBeUndefined(), soon)
    expect((await join()).sessions.use(id)).toBeUndefined()
  })

  it('are opened without a worker that does not answer', async () => {
    const { clock, join } = primary()
    const [one, slow] = [await join(), await join()]
    slow.sessions.end('nothing')
    const { known } = one.sessions.open('admin:alice', () => alice, holder)
    slow.port.cut()
    await clock.advance(1)
    await known
  })

  it('end with what their holder may do', async () => {
    const { join } = primary()
    const [one, other] = [await join(), await join()]
    const { id, known } = one.sessions.open('ann', () => alice, { by: 'key', hash: 'of a key' })
    await known
    expect(other.sessions.use(id)).toBeUndefined()
  })
})

describe('attempts to log in at several workers', () => {
  it('count together', async () => {
    const { join } = primary()
    const [one, other] = [await join(), await join()]
    const heard = { failed: vi.fn(), succeeded: vi.fn() }
    const own = { failed: vi.fn(), succeeded: vi.fn() }
    other.logins.follow(heard)
    one.logins.follow(own)
    one.logins.failed('10.0.0.1')
    one.logins.succeeded('10.0.0.1')
    await vi.waitFor(() => expect(heard.succeeded).toHaveBeenCalledExactlyOnceWith('10.0.0.1'), soon)
    expect(heard.failed).toHaveBeenCalledExactlyOnceWith('10.0.0.1')
    expect(own.failed).not.toHaveBeenCalled()
  })

  it('take a code once, and none without the primary', async () => {
    const { clock, join } = primary()
    const [one, other] = [await join(), await join()]
    expect(await Promise.all([one.logins.claim('code', 1_000), other.logins.claim('code', 1_000)])).toEqual([
      true,
      false,
    ])
    await clock.advance(1_000)
    expect(await other.logins.claim('code', 1_000)).toBe(true)
    one.port.cut()
    expect(await one.logins.claim('another', 1_000)).toBe(false)
  })
})

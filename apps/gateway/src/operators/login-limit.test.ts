import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { LoginLimit } from './login-limit.ts'

function open(more: object = {}) {
  const clock = virtualClock()
  return { clock, limit: new LoginLimit({ clock, ...more }) }
}

describe('failed logins', () => {
  it('of one address make it wait, and no other one', async () => {
    const { clock, limit } = open()
    for (let attempt = 0; attempt < 10; attempt++) {
      expect(limit.wait('192.0.2.1')).toBe(0)
      limit.failed('192.0.2.1')
    }
    expect(limit.wait('192.0.2.1')).toBe(6_000)
    expect(limit.wait('::ffff:192.0.2.1')).toBe(6_000)
    expect(limit.wait('192.0.2.2')).toBe(0)
    await clock.advance(5_999)
    expect(limit.wait('192.0.2.1')).toBe(1)
    await clock.advance(1)
    expect(limit.wait('192.0.2.1')).toBe(0)
    limit.failed('192.0.2.1')
    expect(limit.wait('192.0.2.1')).toBe(6_000)
  })

  it('of one network of IPv6 count together', () => {
    const { limit } = open({ perAddress: 2 })
    limit.failed('2001:db8::1')
    limit.failed('2001:db8:0:0:ffff::2')
    expect(limit.wait('2001:db8:0:0:1:2:3:4')).toBeGreaterThan(0)
    expect(limit.wait('2001:db8:0:1::1')).toBe(0)
    expect(limit.wait('::1')).toBe(0)
  })

  it('of many addresses make all wait but those that have logged in', async () => {
    const { clock, limit } = open({ inAll: 60 })
    limit.failed('198.51.100.1')
    limit.succeeded('198.51.100.1')
    for (let host = 0; host < 60; host++) limit.failed(`203.0.113.${host}`)
    expect(limit.wait('192.0.2.1')).toBe(1_000)
    expect(limit.wait('198.51.100.1')).toBe(0)
    await clock.advance(1_000)
    expect(limit.wait('192.0.2.1')).toBe(0)
  })

  it('are forgotten with a success, and of the oldest addresses where there are too many', () => {
    const { limit } = open({ perAddress: 1, addresses: 2 })
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) limit.failed(address)
    expect(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((each) => limit.wait(each) > 0)).toEqual([
      false,
      true,
      true,
    ])
    limit.succeeded('192.0.2.3')
    expect(limit.wait('192.0.2.3')).toBe(0)
  })
})

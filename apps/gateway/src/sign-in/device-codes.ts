import { hash, randomBytes, randomInt } from 'node:crypto'
import type { Clock } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
import type { ExpiringTexts } from './expiring-texts.ts'

/** A program that waits for a person to sign in (RFC 8628). */
export interface DeviceRequest {
  readonly userCode: string
  /** When it was asked for, and when it ends, in milliseconds since the Unix epoch. */
  readonly askedAt: number
  readonly until: number
  /** The address that it was asked from. */
  readonly from: string
  /** What the program calls itself. */
  readonly program: string
  readonly state: 'pending' | 'approved' | 'denied'
  /** What the program gets, sealed. */
  readonly answer?: string | undefined
}

export type Polled = 'authorization_pending' | 'slow_down' | 'expired_token' | 'access_denied'

export interface DeviceCodes {
  /** A new pair of codes. Undefined where too many wait already. */
  ask(from: string, program: string): Promise<{ deviceCode: string; userCode: string } | undefined>
  /** What the program is told that asks whether it may go on; an answer is given once. */
  poll(deviceCode: string): Promise<Polled | { readonly answer: string }>
  /** The request that waits under a code as a person types it. */
  find(userCode: string): Promise<DeviceRequest | undefined>
  /** Lets the program go on with an answer, or not. False where nothing waits under this code any more. */
  decide(userCode: string, answer: string | undefined): Promise<boolean>
}

/** How long a pair of codes is valid, and how often a program may ask, in seconds. */
export const codesFor = 600
export const pollEvery = 5

/** A program whose timer is a little early is not slowed down, in milliseconds. */
const soonest = (pollEvery - 1) * 1000

/** No vowels, so that no words appear, and nothing that looks alike: 20 to the power of 8 codes. */
const alphabet = 'BCDFGHJKLMNPQRSTVWXZ'

/** Pairs of codes of this gateway that wait at a time, and of one address in ten minutes. */
const mostWaiting = 2_000
const mostOfOne = 60

export function deviceCodes(texts: ExpiringTexts, clock: Clock): DeviceCodes {
  const polledAt = new RecentMap<number>(mostWaiting * 2)
  const asked = new RecentMap<readonly number[]>(mostWaiting)
  let recent: readonly number[] = []
  const deviceKey = (digest: string): string => `device:${digest}`
  const userKey = (code: string): string => `device-user:${code}`
  const digestOf = (deviceCode: string): string => hash('sha256', deviceCode, 'base64url')

  const isTooMany = (from: string): boolean => {
    const now = clock.now()
    const isRecent = (at: number): boolean => now - at < codesFor * 1000
    const own = (asked.get(from) ?? []).filter(isRecent)
    recent = recent.filter(isRecent)
    if (own.length >= mostOfOne || recent.length >= mostWaiting) return true
    asked.set(from, [...own, now])
    recent = [...recent, now]
    return false
  }
  const read = (text: string | undefined): DeviceRequest | undefined =>
    text === undefined ? undefined : (JSON.parse(text) as DeviceRequest)

  return {
    async ask(from, program) {
      if (isTooMany(from)) return undefined
      const deviceCode = randomBytes(32).toString('base64url')
      const letters = Array.from({ length: 8 }, () => alphabet[randomInt(alphabet.length)]).join('')
      const userCode = `${letters.slice(0, 4)}-${letters.slice(4)}`
      const askedAt = clock.epoch()
      const until = askedAt + codesFor * 1000
      const request: DeviceRequest = { userCode, askedAt, until, from, program, state: 'pending' }
      const digest = digestOf(deviceCode)
      await texts.set(deviceKey(digest), JSON.stringify(request), codesFor * 1000)
      await texts.set(userKey(userCode), digest, codesFor * 1000)
      return { deviceCode, userCode }
    },
    async poll(deviceCode) {
      const digest = digestOf(deviceCode)
      const now = clock.now()
      const last = polledAt.get(digest)
      polledAt.set(digest, now)
      const request = read(await texts.get(deviceKey(digest)))
      if (request === undefined) return 'expired_token'
      if (request.state === 'pending')
        return last !== undefined && now - last < soonest ? 'slow_down' : 'authorization_pending'
      const taken = read(await texts.take(deviceKey(digest)))
      if (taken?.state === 'denied') return 'access_denied'
      return taken?.answer === undefined ? 'expired_token' : { answer: taken.answer }
    },
    async find(typed) {
      const digest = await texts.get(userKey(readUserCode(typed)))
      const request = digest === undefined ? undefined : read(await texts.get(deviceKey(digest)))
      return request?.state === 'pending' ? request : undefined
    },
    async decide(userCode, answer) {
      // Taken: of two decisions one holds.
      const digest = await texts.take(userKey(userCode))
      const request = digest === undefined ? undefined : read(await texts.get(deviceKey(digest)))
      if (digest === undefined || request?.state !== 'pending') return false
      const decided: DeviceRequest = {
        ...request,
        state: answer === undefined ? 'denied' : 'approved',
        answer,
      }
      const left = Math.max(1, request.until - clock.epoch())
      await texts.set(deviceKey(digest), JSON.stringify(decided), left)
      return true
    },
  }
}

/** A code as people type it: with or without the dash, in small letters, with spaces. */
export function readUserCode(typed: string): string {
  const letters = typed
    .slice(0, 40)
    .toUpperCase()
    .replace(/[^A-Z]/g, '')
  return `${letters.slice(0, 4)}-${letters.slice(4, 8)}`
}

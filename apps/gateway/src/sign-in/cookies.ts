import type { IncomingMessage } from 'node:http'
import { isOverTls } from '../operators/session-cookie.ts'

/** A cookie of a sign-in that has begun, in the browser that has begun it. */
export interface SignInCookie {
  read(req: IncomingMessage): string | undefined
  /** An empty text removes it. */
  set(req: IncomingMessage, text: string, seconds: number): string
}

/**
 * `Lax`: the browser has to bring it when the identity provider sends it back.
 * @param secure whether people reach the gateway by https
 */
export function signInCookie(name: string, isHttps: boolean): SignInCookie {
  const nameFor = (secure: boolean): string => `${secure ? '__Host-' : ''}spillway-${name}`
  const isSecure = (req: IncomingMessage): boolean => isHttps || isOverTls(req)
  return {
    read({ headers: { cookie = '' } }) {
      if (cookie.length > 16_384) return undefined
      const pairs = cookie.split(';').map((pair) => pair.trim())
      for (const secure of [true, false]) {
        const found = pairs.filter((pair) => pair.startsWith(`${nameFor(secure)}=`))
        // Several: a neighbour has set one of the same name.
        if (found.length === 1) return found[0]?.slice(nameFor(secure).length + 1) || undefined
      }
      return undefined
    },
    set(req, text, seconds) {
      const secure = isSecure(req)
      const age = text === '' ? 0 : seconds
      return `${nameFor(secure)}=${text}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${age}${secure ? '; Secure' : ''}`
    },
  }
}

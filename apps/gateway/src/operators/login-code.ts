import { randomBytes } from 'node:crypto'
import type { Clock } from '@spillway/middleware'
import type { ClientHash } from '../clients/client-hash.ts'
import { isSame } from './sessions.ts'

/** How long a code is valid, in milliseconds. */
export const codeLife = 120_000

/** Codes that are remembered as used. */
const mostUsed = 10_000

const form = /^sl-([0-9a-z]{1,12})-([A-Za-z0-9_-]{22})-([A-Za-z0-9_-]{1,86})\.([A-Za-z0-9_-]{43})$/

/**
 * A code with which a user of the gateway's machine logs in to the dashboard, once: whoever can read the secret of the installation, and
 * write the file of clients, could make a key with every permission just as well.
 * @param actor as the audit log names it, such as `admin:alice`
 */
export function newLoginCode(hash: ClientHash, actor: string, now: number): string {
  const name = Buffer.from(actor.slice(0, 64)).toString('base64url')
  const said = `sl-${now.toString(36)}-${randomBytes(16).toString('base64url')}-${name}`
  return `${said}.${hash.ofLogin(said)}`
}

/**
 * Checks codes for one gateway, which takes each once.
 * @param claim whether no other process of the gateway has taken one, which it remembers for so many milliseconds
 */
export function loginCodes(
  hash: ClientHash,
  clock: Pick<Clock, 'epoch'>,
  claim: (nonce: string, ms: number) => Promise<boolean> = async () => true,
): { use(code: string): Promise<string | undefined> } {
  const startedAt = clock.epoch()
  const used = new Map<string, number>()
  return {
    /** @returns the actor; undefined where the code is wrong, used or too old */
    async use(code) {
      const [, made = '', nonce = '', name = '', mac] = form.exec(code) ?? []
      if (mac === undefined || !isSame(mac, hash.ofLogin(code.slice(0, code.lastIndexOf('.')))))
        return undefined
      const [at, now] = [Number.parseInt(made, 36), clock.epoch()]
      // What was used before a restart is not known any more.
      if (at < startedAt || at > now + codeLife || now >= at + codeLife || used.has(nonce)) return undefined
      for (const [old, until] of used) if (until <= now) used.delete(old)
      if (used.size >= mostUsed) return undefined
      used.set(nonce, at + codeLife)
      if (!(await claim(nonce, at + codeLife - now))) return undefined
      return Buffer.from(name, 'base64url').toString()
    },
  }
}

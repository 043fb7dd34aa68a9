import { userInfo } from 'node:os'

/** Who works at the command line, as the audit log names an actor. */
export function admin(): string {
  return `admin:${userInfo().username}`
}

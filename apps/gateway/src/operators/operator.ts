import type { Client } from '../clients/client-directory.ts'
import { type Permission, permissionSets } from '../clients/permissions.ts'
import type { Session } from './sessions.ts'

/** Who asks at a path of the operator. */
export interface Operator {
  /** As the audit log names an actor: the client's name, or `admin:USER` for a user of the gateway's machine. */
  readonly name: string
  /** How it showed who it is; `open` where no login is asked for. */
  readonly by: 'key' | 'session' | 'open'
  /** The address that it asks from. */
  readonly address: string
  /** What it may do now; undefined as soon as its key or session has ended. */
  readonly now: () => Client | undefined
}

/** Who is let in, and with which session. */
export interface AdmittedOperator {
  readonly operator: Operator
  /** Undefined where a key was presented, or nothing has to be. */
  readonly session: Session | undefined
}

/** What an operator may do. */
export const operatorPermissions: readonly Permission[] = permissionSets.admin ?? []

/** One who may do everything: a user of the gateway's machine, or anyone where no login is asked for. */
export const wholeOperator = (name: string): Client => ({
  ...{ name, team: undefined, models: undefined, mayUse: undefined, maxTokens: undefined },
  permissions: new Set(operatorPermissions),
})

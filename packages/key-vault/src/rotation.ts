import type { Clock } from '@spillway/middleware'
import type { LeaseBook } from './lease-book.ts'
import { Secret } from './secret.ts'
import type { VaultDocument } from './vault-document.ts'
import type { DrainEnd, RollbackReason, VaultEvent } from './vault-events.ts'
import { nameOf, type Verification, type Verify } from './verify.ts'
import { addVersion, promote, revoke, secretOf } from './versions.ts'

export interface RotateOptions {
  /** Tries the new key out with a real call, such as `verifyCredential(…)`. */
  readonly verify: Verify
  /**
   * How long the old version stays usable at most, in milliseconds.
   * @default that of the vault
   */
  readonly grace?: number
  /**
   * Whether to wait until the old version is out of use and revoke it, or leave it to its grace: then any process
   * that has the vault open goes on with it until then.
   * @default true
   */
  readonly drain?: boolean
  /** Ends the verification and the wait; a version that was promoted stays so. */
  readonly signal?: AbortSignal
}

/** How a rotation ended. */
export interface RotationReport {
  readonly name: string
  readonly outcome: 'completed' | 'rolled_back'
  /** The new version. */
  readonly version: number
  /** The version before; undefined when there was none. */
  readonly previous: number | undefined
  /** With `rolled_back`. */
  readonly reason?: RollbackReason
  /** With `rolled_back`: more about the reason. */
  readonly detail?: string
  /** With `completed`: how the wait for the old version ended. */
  readonly drained?: DrainEnd
}

/** What rotations need of their vault. */
export interface RotationHost {
  readonly clock: Clock
  readonly leases: LeaseBook
  onEvent(event: VaultEvent): void
  update(change: (document: VaultDocument, at: number) => VaultDocument): Promise<VaultDocument>
}

const refusedInUse = 'the upstream answered 401 to it, and calls went back to the version before'

type Refusal = { readonly written: Promise<void> }

/** The rotations of a vault: each step is written before the next begins, so a crash leaves a vault that works. */
export class Rotations {
  readonly #host: RotationHost
  /** Drains in progress, by `NAME@VERSION` of the new version. */
  readonly #draining = new Map<string, { refused(refusal: Refusal): void; leave(): void }>()

  constructor(host: RotationHost) {
    this.#host = host
  }

  async rotate(
    secret: { readonly name: string; readonly value: string; readonly environment: string },
    options: RotateOptions & { readonly grace: number },
  ): Promise<RotationReport> {
    const { clock, onEvent, update } = this.#host
    const { name } = secret
    let version = 0
    let previous: number | undefined
    await update((before, at) => {
      previous = secretOf(before, name).versions.findLast(({ state }) => state === 'active')?.version
      const added = addVersion(before, { ...secret, state: 'next' }, at)
      version = added.version
      return added.document
    })
    onEvent({ type: 'rotation.started', name, version })

    const verification = await this.#verify(secret, version, options)
    if (!verification.ok) {
      const { reason, detail } = verification
      await update((before, at) => revoke(before, name, version, at, `not promoted: ${detail}`))
      return this.#rolledBack({ name, version, previous }, reason, detail)
    }
    const until = clock.epoch() + options.grace
    await update((before, at) => promote(before, name, { version, until }, at))
    const rotation = { name, version, previous }
    onEvent({ type: 'rotation.promoted', ...rotation })
    if (previous === undefined) return this.#completed(rotation, 'leases')
    if (options.drain === false) return this.#completed(rotation, 'left')

    const end = await this.#drain({ name, version, previous }, until, options.signal)
    if (typeof end !== 'string') {
      await end.written
      return this.#rolledBack(rotation, 'refused_in_use', refusedInUse)
    }
    if (end === 'left') return this.#completed(rotation, end)
    // Calls, or another process, may have gone back to the old version meanwhile: then it is not to be revoked.
    let isTakenBack = false
    const old = previous
    await update((before, at) => {
      const { versions } = secretOf(before, name)
      isTakenBack = versions.some((other) => other.version === version && other.state === 'next')
      return isTakenBack ? before : revoke(before, name, old, at)
    })
    if (isTakenBack) return this.#rolledBack(rotation, 'refused_in_use', refusedInUse)
    return this.#completed(rotation, end)
  }

  /** A version has been refused in use: its rotation is over. */
  refused(name: string, version: number, written: Promise<void>): void {
    this.#draining.get(`${name}@${version}`)?.refused({ written })
  }

  /** Waits for nothing any more. */
  leave(): void {
    for (const { leave } of this.#draining.values()) leave()
  }

  async #verify(
    { name, value, environment }: { name: string; value: string; environment: string },
    version: number,
    { verify, signal }: RotateOptions,
  ): Promise<Verification> {
    try {
      return await verify(new Secret({ name, version, environment }, value), signal)
    } catch (error) {
      return { ok: false, reason: 'unverified', detail: `the verification failed (${nameOf(error)})` }
    }
  }

  /**
   * Waits until the old version is out of use and the new one has served an attempt, so that there is something to go
   * back to until then; or until the grace is over.
   */
  #drain(
    { name, version, previous }: { name: string; version: number; previous: number },
    until: number,
    signal: AbortSignal | undefined,
  ): Promise<DrainEnd | Refusal> {
    const { clock, leases } = this.#host
    const key = `${name}@${version}`
    return new Promise((resolve) => {
      const end = (how: DrainEnd | Refusal): void => {
        cancelTimer()
        stopListening()
        signal?.removeEventListener('abort', leave)
        this.#draining.delete(key)
        resolve(how)
      }
      const leave = (): void => end('left')
      const look = (): void => {
        if (leases.open(name, previous) === 0 && leases.returned(name, version) > 0) end('leases')
      }
      const cancelTimer = clock.setTimer(until - clock.epoch(), () => end('grace'))
      const stopListening = leases.onReturn(look)
      this.#draining.set(key, { refused: end, leave })
      signal?.addEventListener('abort', leave)
      if (signal?.aborted) leave()
      else look()
    })
  }

  #rolledBack(
    rotation: { name: string; version: number; previous: number | undefined },
    reason: RollbackReason,
    detail: string,
  ): RotationReport {
    const { name, version } = rotation
    this.#host.onEvent({ type: 'rotation.rolled_back', name, version, reason, detail })
    return { ...rotation, outcome: 'rolled_back', reason, detail }
  }

  #completed(
    rotation: { name: string; version: number; previous: number | undefined },
    drained: DrainEnd,
  ): RotationReport {
    const { name, version } = rotation
    this.#host.onEvent({ type: 'rotation.completed', name, version, drained })
    return { ...rotation, outcome: 'completed', drained }
  }
}

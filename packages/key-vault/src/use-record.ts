import type { Clock } from '@spillway/middleware'
import type { LastUses, VaultDriver } from './driver.ts'

/** How often times of use are written down while calls go on, in milliseconds. */
const writeEvery = 60_000

/** When versions were last used. Kept in memory, and written down now and then. */
export class UseRecord {
  readonly #driver: VaultDriver
  readonly #clock: Clock
  readonly #unwritten = new Map<string, number>()
  #writtenAt: number

  constructor(driver: VaultDriver, clock: Clock) {
    this.#driver = driver
    this.#clock = clock
    this.#writtenAt = clock.now()
  }

  note(name: string, version: number): void {
    this.#unwritten.set(`${name}@${version}`, this.#clock.epoch())
    if (this.#clock.now() - this.#writtenAt >= writeEvery) void this.flush()
  }

  async read(): Promise<LastUses> {
    return { ...(await this.#driver.uses?.({})), ...Object.fromEntries(this.#unwritten) }
  }

  async flush(): Promise<void> {
    this.#writtenAt = this.#clock.now()
    if (this.#unwritten.size === 0) return
    const uses = Object.fromEntries(this.#unwritten)
    if (this.#driver.uses === undefined) return
    this.#unwritten.clear()
    await this.#driver.uses(uses)
  }
}

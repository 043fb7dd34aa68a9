import { stat } from 'node:fs/promises'
import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'
import { type ReadCertificate, readCertificate } from './read-certificate.ts'
import { type ServerTlsConfig, tlsDefaults } from './tls-config.ts'

/** How often the files are looked at, in milliseconds: they may be links, or on another machine. */
const lookEvery = 1_000
/** How long a certificate may be without its key while both are being replaced, in milliseconds. */
const patience = 3_000
/** How often an end that is near is spoken of, in milliseconds. */
const sayEvery = 24 * 3_600_000

export interface FollowOptions {
  readonly config: ServerTlsConfig
  readonly clock: Clock
  readonly log: (line: string) => void
  /** Hears of each certificate that is new, the first one too. */
  readonly use: (certificate: ReadCertificate) => void
}

/** A certificate that is replaced while the gateway runs. */
export interface FollowedCertificate {
  /** When the one in use ends, in milliseconds since the Unix epoch. */
  readonly notAfter: number
  /** For `/readyz`; undefined where all is well. */
  readonly state: string | undefined
  /** Reads the files now. Never rejects: what cannot be read leaves the one in use. */
  reload(): Promise<void>
  close(): void
}

/**
 * Follows the files of a certificate. A pair that is broken leaves the one in use and is said once, after a moment: its two files are
 * seldom replaced at the same time.
 * @throws Error where the first one cannot be used
 */
export async function followCertificate(options: FollowOptions): Promise<FollowedCertificate> {
  const { config, clock, log, use } = options
  const { warnBefore = tlsDefaults.warnBefore } = config
  let inUse = await readCertificate(config)
  let seen = await revisionOf(config)
  let brokenSince: number | undefined
  let problem: string | undefined
  let saidAt = -Infinity
  let cancel: CancelTimer = () => {}
  let isClosed = false
  use(inUse)

  const left = (): number => inUse.notAfter - clock.epoch()
  const warn = (): void => {
    if (left() > warnBefore || clock.now() - saidAt < sayEvery) return
    saidAt = clock.now()
    log(
      `warning: the certificate in ${config.cert} ${endOf(left())}: clients refuse it from then on; replace the file, it is read again by itself`,
    )
  }
  const reload = async (isAsked: boolean): Promise<void> => {
    try {
      const next = await readCertificate(config)
      const isNew = next.fingerprint !== inUse.fingerprint
      inUse = next
      brokenSince = undefined
      use(next)
      if (problem !== undefined || isNew || isAsked)
        log(`the certificate in ${config.cert} is in use, it ${endOf(left())}`)
      problem = undefined
      if (isNew) saidAt = -Infinity
    } catch (error) {
      brokenSince ??= clock.now()
      if (!isAsked && clock.now() - brokenSince < patience) return
      const { message } = error as Error
      if (message !== problem || isAsked)
        log(
          `warning: the certificate was not taken, the one before stays in use (it ${endOf(left())}): ${message}`,
        )
      problem = message
    }
  }
  const look = async (): Promise<void> => {
    const now = await revisionOf(config)
    const hasChanged = now !== seen
    seen = now
    if (hasChanged || brokenSince !== undefined) await reload(false)
    warn()
    if (!isClosed) cancel = clock.setTimer(lookEvery, () => void look())
  }
  warn()
  cancel = clock.setTimer(lookEvery, () => void look())
  return {
    get notAfter() {
      return inUse.notAfter
    },
    get state() {
      if (left() <= 0) return 'expired'
      if (problem !== undefined) return 'not reloaded'
      return left() > warnBefore ? undefined : endOf(left())
    },
    reload: () => reload(true),
    close() {
      isClosed = true
      cancel()
    },
  }
}

function endOf(left: number): string {
  const days = Math.floor(Math.abs(left) / 86_400_000)
  const hours = Math.floor(Math.abs(left) / 3_600_000)
  const length = days >= 2 ? `${days} days` : `${hours} hours`
  return left > 0 ? `expires in ${length}` : `expired ${length} ago`
}

/** Changes with what the files hold, as far as the file system tells. */
async function revisionOf({ cert, key, ca }: ServerTlsConfig): Promise<string> {
  const files = [cert, key, ...(ca === undefined ? [] : [ca])]
  const parts = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs, ino, size }) => `${mtimeMs}:${ino}:${size}`,
        () => 'gone',
      ),
    ),
  )
  return parts.join(' ')
}

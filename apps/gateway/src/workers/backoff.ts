/** How long to wait before a worker is started again, in milliseconds. */
export interface Backoff {
  /** One has ended, after so many milliseconds of serving; 0 where it has not begun. */
  next(servedFor: number): number
  /** How many in a row have not served for long. */
  readonly failures: number
}

export const backoffDefaults: {
  readonly first: number
  readonly most: number
  readonly wellAfter: number
} = {
  first: 100,
  most: 5_000,
  /** One that has served for so long has not failed for what it began with. */
  wellAfter: 10_000,
}

export function createBackoff({ first, most, wellAfter }: typeof backoffDefaults = backoffDefaults): Backoff {
  let failures = 0
  return {
    next(servedFor) {
      if (servedFor >= wellAfter) failures = 0
      failures++
      return Math.min(most, first * 2 ** (failures - 1))
    },
    get failures() {
      return failures
    },
  }
}

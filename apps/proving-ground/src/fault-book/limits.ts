/** The limits that a gateway is configured with for the book, in milliseconds; small, so that the book is quick. */
export const limits = {
  total: 5_000,
  connect: 1_000,
  headers: 500,
  firstContent: 500,
  idle: 500,
  /** Time of `total` kept back for a fallback. */
  reserve: 2_000,
} as const

/** Attempts at one target, the first included. */
export const attempts = 3

/** The longest wait between attempts of the gateway's own choice, in milliseconds. */
export const longestBackoff = 200

/** What busy machines take on top of any limit, in milliseconds. */
export const slack = 700

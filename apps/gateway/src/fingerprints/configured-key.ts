/** A configured key has at least so many characters: as many as 192 bits take in base64. */
const shortestKey = 32

/**
 * What is wrong with a configured key; undefined where nothing is.
 * @param value undefined where there is none
 */
export function problemOfKey(value: string | undefined): string | undefined {
  if (value === undefined || value.trim() === '') return 'is not set'
  if (value.trim().length < shortestKey) {
    return `has fewer than ${shortestKey} characters; "openssl rand -base64 32" makes one`
  }
  return undefined
}

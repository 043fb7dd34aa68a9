/** The mapping that a key was in, its old name and its name since 0.1.0. docs/renames.md lists them with the reasons. */
const renamed: readonly (readonly [mapping: string, old: string, next: string])[] = [
  ['circuitBreaker', 'slowCall', 'slowCallThreshold'],
  ['circuitBreaker', 'probeDeadline', 'probeTimeout'],
  ['rateLimit', 'maxClosure', 'maxRetryAfter'],
  ['routing', 'maxClosure', 'maxRetryAfter'],
  ['pool', 'keepAliveFor', 'keepAliveTimeout'],
  ['server', 'keepAliveFor', 'keepAliveTimeout'],
  ['server', 'maxAnswerBytes', 'maxResponseBytes'],
  ['mirror', 'deadline', 'timeout'],
]

/** What an unknown key is called since 0.1.0; undefined when it never existed. */
export function renamedKey(path: readonly PropertyKey[], key: string): string | undefined {
  const mapping = path.findLast((part) => typeof part === 'string')
  return renamed.find(([where, old]) => where === mapping && old === key)?.[2]
}

/** Names of the configuration and of failures as words: `requestsPerMinute` and `rate_limited` become lower-case phrases. */
export function words(name: string): string {
  return name
    .replace(/[_-]+/g, ' ')
    .replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .trim()
}

/** Kinds that are one word each, and say too little alone. */
const failures: Readonly<Record<string, string>> = {
  server: 'server error',
  connection: 'connection failed',
  malformed: 'malformed answer',
  permission: 'no permission',
}

/** The kind of a failure. */
export function failureWords(kind: string): string {
  return failures[kind] ?? words(kind)
}

/** The same, to begin a line with. */
export function title(name: string): string {
  const text = words(name)
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** `1 call`, `2 calls`. */
export function counted(text: string, value: number, one: string, many: string = `${one}s`): string {
  return `${text} ${value === 1 ? one : many}`
}

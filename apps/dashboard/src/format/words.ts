/** Names of the configuration and of failures as words: `requestsPerMinute` and `rate_limited` become lower-case phrases. */
export function words(name: string): string {
  return name
    .replace(/[_-]+/g, ' ')
    .replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .trim()
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

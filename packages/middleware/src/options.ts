/** Defaults with what was given instead of them: an option that is `undefined` means its default, everywhere. */
export function withDefaults<D extends object, O extends object>(
  defaults: D,
  options: O,
): D & Omit<O, keyof D> {
  return { ...defaults, ...definedOnly(options) }
}

/** The options that are set. */
export function definedOnly<T extends object>(options: T | undefined): T {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined)) as T
}

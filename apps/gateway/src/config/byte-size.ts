const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}

/** What a number of bytes must look like, where it is a text. */
export const byteSizePattern: RegExp = /^(\d+(?:\.\d+)?) ?(B|kB|MB|GB|KiB|MiB|GiB)$/

/** Bytes of a size such as `512MiB`, `1.5 GB` or `4096B`; undefined when it is none. */
export function parseByteSize(text: string): number | undefined {
  const [, amount, unit] = byteSizePattern.exec(text) ?? []
  return unit === undefined ? undefined : Math.floor(Number(amount) * (units[unit] as number))
}

/**
 * Whether a text matches a glob, in which `*` matches any characters and everything else itself. Each
 * part between two stars is looked for once, where it comes first, so it takes no longer than reading the text.
 */
export function globMatcher(glob: string): (text: string) => boolean {
  const [first = '', ...others] = glob.split('*')
  const last = others.pop()
  if (last === undefined) return (text) => text === glob
  return (text) => {
    if (!text.startsWith(first)) return false
    const end = text.length - last.length
    let at = first.length
    for (const part of others) {
      const found = text.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= end && text.endsWith(last)
  }
}

/**
 * Each case carries two markers that no other case has: one in the key that it presents, one in its prompt. An answer with
 * the marker of another case is a leak, and so is a key anywhere at all.
 */
const keyStart = 'sk-ant-qZ7key-'
const bodyStart = 'qZ7case-'

/** The gateway's own credential, which upstreams see and quote, and which no caller may see. */
export const ownKey = 'sk-ant-qZ7own-4b1f92c07d3e'

export function keyMarker(index: number): string {
  return keyStart + checked(index)
}

export function bodyMarker(index: number): string {
  return bodyStart + checked(index)
}

/** The case that a request or an answer belongs to; undefined where mutations have left no marker whole. */
export function caseOf(bytes: Buffer): number | undefined {
  let at = bytes.indexOf(bodyStart)
  for (let looked = 0; at >= 0 && looked < 8; looked++) {
    const index = indexIn(bytes.toString('latin1', at + bodyStart.length, at + bodyStart.length + 24))
    if (index !== undefined) return index
    at = bytes.indexOf(bodyStart, at + 1)
  }
  return undefined
}

/** What in these bytes belongs to another case than this one; for undefined, to any case. Keys belong nowhere. */
export function leaksIn(bytes: Buffer, index: number | undefined): string[] {
  if (!bytes.includes('qZ7')) return []
  const leaks: string[] = []
  for (const [whole, name, text] of bytes.toString('latin1').matchAll(/qZ7(key|own|case)-([0-9a-z-]*)/g)) {
    if (name !== 'case') leaks.push(whole)
    else {
      const found = indexIn(text as string)
      if (found !== undefined && found !== index) leaks.push(whole)
    }
  }
  return leaks
}

function checked(index: number): string {
  return `${index.toString(36)}-${checksum(index)}z`
}

/** Mutations damage markers, too: what has no right checksum belongs to nobody. */
function indexIn(text: string): number | undefined {
  const found = /^([0-9a-z]{1,9})-([0-9a-z]{1,6}?)z/.exec(text)
  if (found === null) return undefined
  const index = Number.parseInt(found[1] as string, 36)
  return checksum(index) === found[2] ? index : undefined
}

/** Without a `z`, which ends a marker. */
function checksum(index: number): string {
  return ((Math.imul(index + 1, 0x9e3779b1) >>> 12) & 0xfffff).toString(35)
}

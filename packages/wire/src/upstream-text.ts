import { field } from './usage.ts'

/** No vendor's names of models, ids or codes are longer. */
const longestName = 256

/** No vendor's reasons for an end are longer. */
export const longestReason = 64

/** The longest message that is carried along; vendors sometimes answer with whole pages. */
const longestMessage = 500

/** Control and formatting characters, lone surrogates, line and paragraph separators. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u

/** What HTTP takes in a header, less spaces, which no id has. */
const headerSafe = /^[\x21-\x7e]{1,256}$/

/**
 * A name that an upstream gives: of a model, a reason, a code. Undefined for anything else: what is empty, too long to
 * be a name, or could act on the log, the label or the database row that it ends up in. It is not cut, since a part of a
 * name is another name.
 */
export function nameField(value: unknown, name: string, longest: number = longestName): string | undefined {
  const found = field(value, name)
  if (typeof found !== 'string' || found === '' || found.length > longest) return undefined
  return isPlain(found) || !unprintable.test(found) ? found : undefined
}

/** Whether a text is printable ASCII, as nearly every name is: without the tables of Unicode, for speed. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x20 || unit > 0x7e) return false
  }
  return true
}

/** An id that an upstream gives, if it can be sent in a header. */
export function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && headerSafe.test(value) ? value : undefined
}

/** A message that an upstream gives: cut, and without what would not survive JSON, a log or a database. */
export function messageOf(text: string): string {
  const cut = text.length <= longestMessage ? text : `${text.slice(0, longestMessage)}…`
  return cut.toWellFormed().replaceAll(/(?![\t\n])\p{Cc}/gu, '\ufffd')
}

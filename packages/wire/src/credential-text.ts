/** What a text that should be a credential is instead, in words that follow the name of the place that holds it. */
export type CredentialProblem =
  | 'is empty'
  | 'is in quotes'
  | 'contains a line break'
  | 'contains white space'
  | 'contains a control character'
  | 'contains a non-ASCII character'

/** A credential that can be sent, or what is wrong with it. */
export type CredentialText = { readonly value: string } | { readonly problem: CredentialProblem }

const lineBreak = /[\r\n\u2028\u2029]/
const control = /\p{Cc}/u
const notVisible = /[^\u0021-\u007e]/

/**
 * Reads a credential as it comes from a file, a variable or a prompt. White space around it goes, also a byte order mark:
 * secrets that are mounted or piped end in a line break more often than not. Inside, only visible ASCII can be part of a
 * key, and nothing else can be sent in a header; quotes around it belong to the file that it was copied from. What is
 * wrong is said without the text.
 */
export function readCredential(text: string): CredentialText {
  const value = text.trim()
  if (value === '') return { problem: 'is empty' }
  if (notVisible.test(value)) return { problem: problemInside(value) }
  const first = value[0]
  if (value.length > 1 && (first === '"' || first === "'" || first === '`') && value.endsWith(first)) {
    return { problem: 'is in quotes' }
  }
  return { value }
}

function problemInside(value: string): CredentialProblem {
  if (lineBreak.test(value)) return 'contains a line break'
  if (/\s/.test(value)) return 'contains white space'
  if (control.test(value)) return 'contains a control character'
  return 'contains a non-ASCII character'
}

/** Names and messages come from outside: their line breaks and escape sequences must not act on the log. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

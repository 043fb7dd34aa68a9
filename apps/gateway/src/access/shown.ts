/** What a request says of itself, for a message: printable, in quotes, and short. */
export function shown(text: string): string {
  const printable = text.replace(/[^ -~]/g, '?')
  return `"${printable.length > 80 ? `${printable.slice(0, 80)}…` : printable}"`
}

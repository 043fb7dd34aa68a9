/** 32 hexadecimal digits, never the same twice. */
export function compactId(): string {
  return crypto.randomUUID().replaceAll('-', '')
}

import { connectionHeaders } from '@spillway/wire/internal'

/**
 * Tells which headers of a message belong to the connection that it came on: by their names, or since `connection` names
 * them, which is read once for all of them.
 */
export function connectionHeaderTest(connection: string | string[] | undefined): (name: string) => boolean {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') {
    return (name) => connectionHeaders.has(name)
  }
  const named = new Set(
    String(connection)
      .split(',')
      .map((each) => each.trim().toLowerCase()),
  )
  return (name) => connectionHeaders.has(name) || named.has(name)
}

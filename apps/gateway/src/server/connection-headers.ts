import { connectionHeaders } from '@spillway/wire'

/** Whether a header belongs to the connection that it came on: by its name, or since `connection` names it. */
export function isConnectionHeader(name: string, connection: string | string[] | undefined): boolean {
  if (connectionHeaders.has(name)) return true
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return false
  return String(connection)
    .split(',')
    .some((named) => named.trim().toLowerCase() === name)
}

import { dirname, join } from 'node:path'
import type { Config } from '../config/config.ts'

const usualName = 'spillway-clients.json'

/** Where clients are kept: where `server.clientsFile` says, else beside the SQLite database, else in the working folder. */
export function clientsFileOf(config: Pick<Config, 'server' | 'storage'> | undefined): string {
  const { clientsFile } = config?.server ?? {}
  if (clientsFile !== undefined) return clientsFile
  const named = config?.storage?.url ?? ''
  const url = named.startsWith('env:') ? (process.env[named.slice(4)]?.trim() ?? '') : named
  return url.startsWith('sqlite:') ? join(dirname(url.slice('sqlite:'.length)), usualName) : usualName
}

import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** What this package says of itself. */
export interface OwnManifest {
  readonly version: string
  readonly peerDependencies: Readonly<Record<string, string>>
}

/** The `package.json` above this code, be it the sources, the library or the command. */
export function ownManifest(): OwnManifest {
  return JSON.parse(readFileSync(findPackageJSON(import.meta.url) as string, 'utf8')) as OwnManifest
}

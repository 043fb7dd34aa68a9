import { existsSync, lstatSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ConfigError } from '../config/config-error.ts'

/** The file that commands take where none is named: the one that `link` and `init` write. */
export const usualFile: string = 'spillway.yaml'

/** The same with the other usual end. */
const otherEnd = 'spillway.yml'

/**
 * The configuration file of a command: the one that is named, else the usual one of this folder; undefined where there is none.
 * @throws ConfigError where another user has put the usual one into a folder that everyone can write: it says where keys go
 */
export function configFileOf(named: string | undefined): string | undefined {
  if (named !== undefined) return named
  const found = [usualFile, otherEnd].find((file) => existsSync(file))
  if (found === undefined) return undefined
  const owner = plantedBy(found)
  if (owner === undefined) return found
  const message = `it belongs to another user (uid ${owner}), in a folder that everyone can write: give --config ${found} if it is what you mean`
  throw new ConfigError(found, [{ line: 1, column: 1, key: '', message }])
}

/** What to say where a command needs a file and there is none. */
export const noConfigFile: string = `there is no ${usualFile} in this folder: name a file with --config, or write one with "spillway init"`

/**
 * The other user who may have put a file, or a link in its place, where this one was to find it; undefined where it is ours or
 * root's, and in folders that not everyone can write. Windows has no such folders.
 * @param user whose command it is
 */
export function plantedBy(file: string, user: number | undefined = process.geteuid?.()): number | undefined {
  if (user === undefined || (statSync(dirname(resolve(file))).mode & 0o002) === 0) return undefined
  return [lstatSync(file), statSync(file)].map(({ uid }) => uid).find((uid) => uid !== user && uid !== 0)
}

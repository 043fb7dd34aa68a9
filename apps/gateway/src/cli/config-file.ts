import { existsSync } from 'node:fs'

/** The file that commands take where none is named: the one that `link` and `init` write. */
export const usualFile: string = 'spillway.yaml'

/** The configuration file of a command: the one that is named, else the usual one of this folder; undefined where there is none. */
export function configFileOf(named: string | undefined): string | undefined {
  return named ?? (existsSync(usualFile) ? usualFile : undefined)
}

/** What to say where a command needs a file and there is none. */
export const noConfigFile: string = `there is no ${usualFile} in this folder: name a file with --config, or write one with "spillway init"`

import { statSync, unwatchFile, watchFile } from 'node:fs'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadConfig, type ServerOverrides } from '../config/load-config.ts'
import type { Gateway } from '../gateway.ts'

/** How often the file is looked at, in milliseconds: it may be a link, or be replaced. */
const lookEvery = 1_000

/** Reads the configuration again when its file changes, or when asked to. A file that is wrong changes nothing. */
export interface FollowedConfig {
  reload(why: string): Promise<void>
  close(): void
}

/** What a reload is reported to. */
export interface ReloadListeners {
  readonly warn: (line: string) => void
  readonly info: (line: string) => void
  /** The gateway goes on with this one, but for what needs a restart. Said in the log as it was before. */
  readonly taken: (config: Config) => Promise<void>
}

export function followConfig(
  file: string,
  overrides: ServerOverrides,
  gateway: Pick<Gateway, 'reload' | 'note'>,
  say: ReloadListeners,
): FollowedConfig {
  let running: Promise<void> = Promise.resolve()
  let waiting: Promise<void> | undefined
  const once = async (why: string): Promise<void> => {
    waiting = undefined
    try {
      mustBeFile(file)
      const { config, warnings } = loadConfig(file, overrides)
      for (const { line, column, key, message } of warnings)
        say.warn(`warning: ${file}:${line}:${column}  ${key}: ${message}`)
      const { changed, needRestart } = await gateway.reload(config, file)
      const nothing = needRestart.length === 0 ? 'nothing of it has changed' : 'nothing of it was taken'
      const what = changed.length === 0 ? nothing : `changed: ${changed.join(', ')}`
      say.info(`${file} was read again (${why}); ${what}`)
      if (needRestart.length > 0)
        say.warn(
          `warning: ${needRestart.join(', ')} cannot change while it runs: restart the gateway for that`,
        )
      await say.taken(config)
    } catch (error) {
      const text = error instanceof ConfigError ? error.message : `${file}: ${(error as Error).message}`
      say.warn(`${file} was not applied (${why}); the gateway keeps its configuration:\n${text}`)
      gateway.note('config.refused', { subject: file })
    }
  }
  const reload = (why: string): Promise<void> => {
    // One that waits reads what is there when it begins.
    waiting ??= running = running.then(() => once(why))
    return waiting
  }
  watchFile(file, { interval: lookEvery, persistent: false }, (now, before) => {
    // Of a pipe that changes with each writer.
    if (!now.isFile() && !before.isFile()) return
    if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) void reload('it has changed')
  })
  return { reload, close: () => unwatchFile(file) }
}

/** Opening a pipe without a writer would block the process, its calls and its signals. */
function mustBeFile(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== false) return
  throw new Error('it is a pipe or a device, which is read only at the start: restart the gateway')
}

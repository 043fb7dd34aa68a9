import { accessSync, constants } from 'node:fs'
import { availableParallelism } from 'node:os'

/** With more cores than this, V8's own number of helper threads, four, leaves enough for calls. */
const fewCores = 4

const flag = '--v8-pool-size'

/** What is used of `process`. */
export interface Starting
  extends Pick<NodeJS.Process, 'execArgv' | 'env' | 'channel' | 'platform' | 'execPath' | 'argv0' | 'argv'> {
  readonly execve?: typeof process.execve | undefined
}

/**
 * V8 compiles and collects garbage in helper threads, whose number is set when a process starts: four, whatever the cores. On two cores calls
 * wait for them, so this process starts once more with a number that leaves a core for calls: same id, same files, 50 ms later. What
 * npm has linked is started without flags. See decision 0231.
 *
 * Nothing happens where the number has been chosen (`node --v8-pool-size=N`, NODE_OPTIONS), and where a process cannot be replaced: on
 * Windows, and under a parent that talks to it.
 * @param cores that the process may use
 */
export function spareCoresForCalls(starting: Starting, cores: number = availableParallelism()): void {
  const { execArgv, env, channel, platform, execPath, argv0, argv, execve } = starting
  const isChosen = [...execArgv, env.NODE_OPTIONS ?? ''].some((each) => each.includes(flag))
  if (cores > fewCores || isChosen || channel) return
  if (execve === undefined || platform === 'win32' || !isExecutable(execPath)) return
  execve(execPath, [argv0, `${flag}=${Math.max(1, cores - 1)}`, ...execArgv, ...argv.slice(1)], env)
}

/** `execve` ends the process where there is nothing to start, since a package was updated meanwhile for instance. */
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

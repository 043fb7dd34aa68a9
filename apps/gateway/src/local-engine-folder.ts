import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where `spillway local install` puts llama.cpp, and where embedded targets look for it when it is not beside the gateway. */
export function localEngineFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'spillway', 'local')
}

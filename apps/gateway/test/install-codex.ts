import { installProgram } from './install-program.ts'

/** The script that starts the real Codex; undefined, with a printed word, where it cannot be installed. */
export function installCodex(): Promise<string | undefined> {
  return installProgram({
    name: 'Codex',
    packageName: '@openai/codex',
    version: '0.171.0',
    script: 'bin/codex.js',
  })
}

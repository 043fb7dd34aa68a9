import { installProgram } from './install-program.ts'

/** The script that starts the real Claude Code; undefined, with a printed word, where it cannot be installed. */
export function installClaudeCode(): Promise<string | undefined> {
  return installProgram({
    name: 'Claude Code',
    packageName: '@anthropic-ai/claude-code',
    version: '2.1.330',
    script: 'cli-wrapper.cjs',
  })
}

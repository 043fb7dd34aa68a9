import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Reply } from '@spillway/testing'
import { temporaryFolder } from './gateway.ts'
import { installClaudeCode } from './install-claude-code.ts'

const run = promisify(execFile)

/** The real Claude Code, which is not a dependency. */
export async function claudeCode(): Promise<{
  /** Whether it could be installed. */
  readonly isHere: boolean
  readonly ask: (gatewayUrl: string, asking?: Asking) => Promise<Printed>
}> {
  const launcher = await installClaudeCode()
  return {
    isHere: launcher !== undefined,
    ask: (gatewayUrl, asking = {}) => ask(launcher ?? '', gatewayUrl, asking),
  }
}

/** What `claude --output-format json` prints, in the parts that matter here. */
export interface Printed {
  readonly result: string
  readonly is_error: boolean
  /** How often the model was asked, in the way of tools. */
  readonly num_turns: number
}

export interface Asking {
  /** Where it finds the gateway. @default by ANTHROPIC_BASE_URL, with a token */
  readonly variables?: Readonly<Record<string, string>>
  /** @default 'Say hello.' */
  readonly prompt?: string
  /** Where it works, and what it takes for its user's home. @default an empty folder */
  readonly home?: string
  readonly flags?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** Asks Claude Code a question; it knows nothing of this machine's user and settings. */
async function ask(launcher: string, gatewayUrl: string, asking: Asking): Promise<Printed> {
  const { prompt = 'Say hello.', home = temporaryFolder(), flags = [], environment } = asking
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    USERPROFILE: home,
    CLAUDE_CONFIG_DIR: join(home, 'config'),
    ...(asking.variables ?? { ANTHROPIC_BASE_URL: gatewayUrl, ANTHROPIC_AUTH_TOKEN: 'token-of-the-caller' }),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_MAX_RETRIES: '0',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    ...environment,
  }
  const argv = [launcher, '-p', prompt, '--output-format', 'json', ...flags]
  const running = run(process.execPath, argv, { cwd: home, env, timeout: 100_000 })
  running.child.stdin?.end()
  return JSON.parse((await running).stdout)
}

/** Whether a message has the result of a tool. */
export function hasResult({ content }: ChatRequest['messages'][number]): boolean {
  return Array.isArray(content) && content.some(({ type }) => type === 'tool_result')
}

/** What of a request matters here, in both protocols. */
export interface ChatRequest {
  readonly messages: readonly {
    readonly role: string
    readonly content: unknown
    readonly reasoning_content?: string
  }[]
  readonly tools?: readonly unknown[]
}

/** What the model says in turn, to edit a file. */
export function steps(file: string): Reply[] {
  const edit = { file_path: file, old_string: 'Hello, dam.', new_string: 'Hello, spillway.' }
  return [
    { text: 'I read it first.', toolUse: [{ name: 'Read', input: { file_path: file } }] },
    { text: 'Now the change.', toolUse: [{ name: 'Edit', input: edit }] },
    { text: 'The spillway is greeted now.' },
  ]
}

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
  /** The script that starts it. */
  readonly launcher: string
  /** What it is started with: nothing of this machine's user. */
  readonly environmentOf: typeof environmentOf
  readonly ask: (gatewayUrl: string, asking?: Asking) => Promise<Printed>
}> {
  const launcher = await installClaudeCode()
  return {
    ...{ isHere: launcher !== undefined, launcher: launcher ?? '', environmentOf },
    ask: (gatewayUrl, asking = {}) => ask(launcher ?? '', gatewayUrl, asking),
  }
}

/** What `claude --output-format json` prints, in the parts that matter here. */
export interface Printed {
  readonly result: string
  readonly is_error: boolean
  /** How often the model was asked, in the way of tools. */
  readonly num_turns: number
  /** All that it has said on its way, the result included. */
  readonly events: readonly { readonly type: string }[]
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

/** It knows nothing of this machine's user and settings. */
function environmentOf(home: string, variables: Readonly<Record<string, string>>): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    USERPROFILE: home,
    CLAUDE_CONFIG_DIR: join(home, 'config'),
    ...variables,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_MAX_RETRIES: '0',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
  }
}

/** Asks Claude Code a question. */
async function ask(launcher: string, gatewayUrl: string, asking: Asking): Promise<Printed> {
  const { prompt = 'Say hello.', home = temporaryFolder(), flags = [], environment } = asking
  const byAddress = { ANTHROPIC_BASE_URL: gatewayUrl, ANTHROPIC_AUTH_TOKEN: 'token-of-the-caller' }
  const env = { ...environmentOf(home, asking.variables ?? byAddress), ...environment }
  const argv = [launcher, '-p', prompt, '--output-format', 'stream-json', '--verbose', ...flags]
  const running = run(process.execPath, argv, { cwd: home, env, timeout: 100_000 })
  running.child.stdin?.end()
  // It exits with 1 after an error that it has told.
  const { stdout } = await running.catch((error: { stdout: string }) => error)
  const events = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { type: string })
  const result = events.find(({ type }) => type === 'result') as Printed | undefined
  if (result === undefined) throw new Error(`Claude Code has told no result: ${stdout.slice(0, 2_000)}`)
  return { ...result, events }
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

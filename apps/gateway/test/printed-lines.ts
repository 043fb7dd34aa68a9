import { execFile } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryFolder } from './gateway.ts'
import { plainEnvironment } from './spillway.ts'

// Each line is run as the program prints it, by a real shell.

const execute = promisify(execFile)

/** What a run has printed to be pasted, by the first word of its title. */
export function pasteable(text: string): Record<string, string> {
  const lines = [...text.matchAll(/^(\S.*):\n {2}(\S.*)$/gm)]
  return Object.fromEntries(lines.map(([, title = '', line = '']) => [title.split(/[ ,]/)[0], line]))
}

interface Shell {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a line in a shell that knows nothing of this process's user and keys. */
export async function paste(
  line: string,
  { cwd = temporaryFolder(), env = {} }: Shell = {},
): Promise<string> {
  const running = execute('sh', ['-c', line], {
    cwd,
    env: { ...plainEnvironment(), HOME: cwd, ...env },
    timeout: 110_000,
  })
  running.child.stdin?.end()
  return (await running).stdout
}

/** A folder with the packages that a program of a user's own would have. */
function projectFolder(): string {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'node_modules', '@anthropic-ai'), { recursive: true })
  for (const name of ['openai', '@anthropic-ai/sdk']) {
    symlinkSync(
      fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url)),
      join(folder, 'node_modules', name),
    )
  }
  return folder
}

/** Runs a program around a printed line. */
async function program(line: string, before: string, after: string, env = {}): Promise<string> {
  const cwd = projectFolder()
  writeFileSync(join(cwd, 'program.mjs'), [before, line, after].join('\n'))
  return paste(`${process.execPath} program.mjs`, { cwd, env })
}

export const useAnthropic = (line: string, model: string, env = {}): Promise<string> =>
  program(
    line,
    "import Anthropic from '@anthropic-ai/sdk'",
    `const message = await anthropic.messages.create({ model: '${model}', max_tokens: 64,
       messages: [{ role: 'user', content: 'Are you there?' }] })
     console.log(message.content[0].text)`,
    env,
  )

export const useOpenAi = (line: string, model: string, env = {}): Promise<string> =>
  program(
    line,
    "import OpenAI from 'openai'",
    `const answer = await openai.chat.completions.create({ model: '${model}',
       messages: [{ role: 'user', content: 'Are you there?' }] })
     console.log(answer.choices[0].message.content)`,
    env,
  )

/** Stands for the package of that name, whose own code the line does not need: what it is given is used for one call. */
const anthropicForPython = `
import json, urllib.request

class Anthropic:
    def __init__(self, base_url, api_key):
        self.base_url, self.api_key = base_url, api_key

    def ask(self, model):
        body = json.dumps({"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "Are you there?"}]})
        headers = {"x-api-key": self.api_key, "anthropic-version": "2023-06-01", "content-type": "application/json"}
        request = urllib.request.Request(self.base_url + "/v1/messages", body.encode(), headers)
        return json.load(urllib.request.urlopen(request))["content"][0]["text"]
`

/** Runs the line for Python. */
export async function usePython(line: string, model: string, env = {}): Promise<string> {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'anthropic.py'), anthropicForPython)
  const text = ['import os', 'from anthropic import Anthropic', line, `print(client.ask("${model}"))`]
  writeFileSync(join(cwd, 'program.py'), text.join('\n'))
  return paste('python3 program.py', { cwd, env })
}

/** Runs the line for Codex in a new home, where `codex` has one task instead of waiting for a person to type; returns its events. */
export async function askCodex(launcher: string, line: string, env = {}): Promise<string> {
  const home = temporaryFolder()
  const bin = join(home, 'bin')
  mkdirSync(bin)
  const flags = '--json --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox'
  const codex = `#!/bin/sh\nexec ${process.execPath} ${launcher} exec ${flags} "$@" 'Say hello.'\n`
  writeFileSync(join(bin, 'codex'), codex, { mode: 0o755 })
  return paste(line, {
    cwd: home,
    env: { PATH: `${bin}:${process.env.PATH}`, CODEX_HOME: home, ...env },
  })
}

/** Runs the line for Claude Code in a new home, where `claude` asks one question instead of waiting for a person to type. */
export async function askClaudeCode(
  launcher: string,
  line: string,
  env = {},
): Promise<{ result: string; is_error: boolean }> {
  const home = temporaryFolder()
  const bin = join(home, 'bin')
  mkdirSync(bin)
  const claude = `#!/bin/sh\nexec ${process.execPath} ${launcher} -p 'Say hello.' --output-format json "$@"\n`
  writeFileSync(join(bin, 'claude'), claude, { mode: 0o755 })
  const stdout = await paste(line, {
    cwd: home,
    env: {
      PATH: `${bin}:${process.env.PATH}`,
      CLAUDE_CONFIG_DIR: join(home, 'config'),
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '0',
      DISABLE_AUTOUPDATER: '1',
      ...env,
    },
  })
  return JSON.parse(stdout)
}

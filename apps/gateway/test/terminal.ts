import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import { onTestFinished } from 'vitest'
import { until } from './spillway.ts'

/** Something that a program asks for, and what is typed then. */
export type Answer = readonly [question: string, typed: string]

/** A shell in a terminal, with somebody who types. */
export interface Terminal {
  /** Types a command and waits for its end. */
  run(command: string, answers?: readonly Answer[]): Promise<Ran>
  /** Types a command and waits until it has shown this. */
  begin(command: string, shown: RegExp): Promise<void>
  press(keys: string): void
  /** Waits until what was begun has shown this. */
  shows(expected: RegExp): Promise<void>
  /** Waits for the end of what was begun. */
  end(): Promise<Ran>
  /** All that the last command has shown. */
  shown(): string
}

export interface Ran {
  readonly code: number
  readonly shown: string
}

export const controlC = '\u0003'

/** Whether `script` of util-linux, which gives programs a terminal, bash and pkill are there; under CI that they are not is an error. */
export function hasTerminal(): boolean {
  const isThere = ['script', 'bash', 'pkill'].every((name) => spawnSync(name, ['--version']).status === 0)
  if (!isThere && process.env.CI) throw new Error('script of util-linux, bash and pkill are not installed')
  return isThere
}

/**
 * Kills all that runs in the terminal. The shell leads a session apart from that of `script`: with `script` alone killed, a program in it
 * would still write its files while the test removes the folder of them.
 */
function killSessionsOf(script: ChildProcess): void {
  const found = spawnSync('pgrep', ['-P', String(script.pid)], { encoding: 'utf8' }).stdout
  for (const leader of found.split('\n').filter(Boolean)) spawnSync('pkill', ['-KILL', '-s', leader])
  script.kill('SIGKILL')
}

/** The prompt, which says how the last command ended. */
const prompt = /\[(\d+)\] day> $/

export async function openTerminal(cwd: string, env: Readonly<Record<string, string>>): Promise<Terminal> {
  const shell = spawn('script', ['-qefc', 'bash --norc --noprofile -i', '/dev/null'], {
    cwd,
    env: { ...env, TERM: 'xterm-256color', PS1: '[$?] day> ', HISTFILE: '' },
    detached: true,
  })
  const ended = once(shell, 'exit')
  onTestFinished(async () => {
    killSessionsOf(shell)
    await ended
  })
  let [all, from] = ['', 0]
  shell.stdout.setEncoding('utf8').on('data', (piece: string) => {
    all += piece
  })
  const shown = (): string => stripVTControlCharacters(all.slice(from)).replaceAll('\r', '')
  const wait = async (what: string, isMet: () => boolean): Promise<void> => {
    await until(isMet, 60_000).catch(() => {
      throw new Error(`the terminal does not show ${what}:\n${shown()}`)
    })
  }
  const end = async (): Promise<Ran> => {
    await wait('the prompt', () => prompt.test(shown()))
    const text = shown()
    const found = prompt.exec(text)
    return { code: Number(found?.[1]), shown: text.slice(0, found?.index) }
  }
  const type = (text: string): void => {
    from = all.length
    shell.stdin.write(`${text}\n`)
  }
  await end()
  // What it is started with has no size.
  type('stty cols 120 rows 40')
  await end()
  return {
    async run(command, answers = []) {
      type(command)
      let after = 0
      for (const [question, typed] of answers) {
        await wait(question, () => shown().includes(question, after))
        after = shown().indexOf(question, after) + question.length
        shell.stdin.write(`${typed}\n`)
      }
      return end()
    },
    async begin(command, expected) {
      type(command)
      await wait(String(expected), () => expected.test(shown()) || prompt.test(shown()))
    },
    press: (keys) => void shell.stdin.write(keys),
    shows: (expected) => wait(String(expected), () => expected.test(shown())),
    end,
    shown,
  }
}

import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { KeyVaultError } from '@spillway/key-vault'
import { readCredential } from '@spillway/wire'

/** Whoever was asked does not want to answer: Ctrl-C or the end of the input at a prompt. */
export class Interrupted extends Error {
  override readonly name: string = 'Interrupted'
}

/** A secret from standard input, or from a prompt that shows nothing of what is typed. */
export async function readSecret(what: string): Promise<string> {
  if (process.stdin.isTTY) return prompt(what)
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/**
 * A key, without the white space around it.
 * @throws KeyVaultError for what can be no key
 */
export async function readKey(what: string): Promise<string> {
  const read = readCredential(await readSecret(what))
  if ('value' in read) return read.value
  throw new KeyVaultError('INVALID_INPUT', `the ${what} ${read.problem}: nothing was stored`)
}

function prompt(what: string): Promise<string> {
  const nowhere = new Writable({ write: (_, __, done) => done() })
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  // Only now, when the terminal no longer shows what is typed: a key may be pasted at once.
  process.stderr.write(`${what} (not shown): `)
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      resolve(line)
      lines.close()
    })
    lines.once('SIGINT', () => lines.close())
    // After an answer that changes nothing.
    lines.once('close', () => {
      process.stderr.write('\n')
      reject(new Interrupted())
    })
  })
}

/** Keys of the known vendors begin like this. */
const looksLikeKey = /(^|=)(sk-|sw-|AGE-SECRET-KEY-)/

/** What is wrong with a command line that holds a key; undefined when none does. Does not repeat it. */
export function keyInArguments(argv: readonly string[]): string | undefined {
  const inCredential = argv.some((argument, i) => {
    const value = argument === '--credential' ? argv[i + 1] : /^--credential=(.*)$/s.exec(argument)?.[1]
    return value !== undefined && value !== '-'
  })
  if (!inCredential && !argv.some((argument) => looksLikeKey.test(argument))) return undefined
  return (
    'do not pass a key on the command line, where every user of this machine and the shell history can see it: ' +
    'pipe it into standard input, with --credential - for link, and replace this one, which has been seen'
  )
}

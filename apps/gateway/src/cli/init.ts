import { existsSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Command, InvalidArgumentError, Option } from 'commander'
import { ConfigError } from '../config/config-error.ts'
import { parseConfig } from '../config/load-config.ts'
import { usualFile } from './config-file.ts'
import { exitCodes } from './exit-codes.ts'
import { initText, usualKeys, type Wishes } from './init-text.ts'
import { Interrupted } from './read-secret.ts'
import { replaceFile } from './replace-file.ts'

interface InitFlags extends Partial<Wishes> {
  readonly config: string
  readonly force?: boolean
  readonly yes?: boolean
}

const providers = ['anthropic', 'openrouter', 'openai'] as const

/** `spillway init` */
export function initCommand(): Command {
  return new Command('init')
    .option('-c, --config <file>', 'the file to write', usualFile)
    .addOption(new Option('--provider <name>', 'who answers first').choices(providers))
    .option('--key <reference>', 'where its key is: env:NAME, vault:NAME or caller', reference)
    .option('--url <url>', "the provider's base URL (default: its public one)")
    .option('--local <what>', 'the fallback: none, ollama, or the path of a .gguf file')
    .option('--local-model <name>', 'the model of Ollama')
    .option('--storage <url>', 'where calls and costs are kept: none, sqlite:FILE or env:NAME')
    .option('--port <port>', 'where to listen', port)
    .option('-y, --yes', 'no prompts: use the default of each flag that is missing')
    .option('--force', 'overwrite an existing file')
    .showHelpAfterError('(--help says more)')
    .action(init)
}

async function init(flags: InitFlags): Promise<void> {
  const { config: file, force, yes, ...wishes } = flags
  const fail = (message: string): void => {
    console.error(message)
    process.exitCode = 1
  }
  if (existsSync(file) && !force)
    return fail(`${file} already exists: --force replaces it, --config names another`)
  const { url, port: listen } = wishes
  const told = { ...(url !== undefined && { url }), ...(listen !== undefined && { port: listen }) }
  // No question asks for these two, so they answer none on a terminal.
  const answered = Object.keys(wishes).length - (process.stdin.isTTY ? Object.keys(told).length : 0)
  const isAsked = !yes && answered === 0
  if (isAsked && !process.stdin.isTTY)
    return fail(
      `standard input is not a terminal, so there are no prompts: give --yes, or any of --provider, --key, --url, --local, --local-model, --storage, --port`,
    )
  const answers = isAsked ? await ask(told) : usual(wishes)
  if (answers === undefined) {
    process.exitCode = exitCodes.interrupted
    return
  }
  const text = initText(answers)
  try {
    parseConfig(text, file)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return fail(error.message)
  }
  try {
    if (force) replaceFile(file, text)
    else writeFileSync(file, text, { flag: 'wx' })
  } catch (error) {
    return fail(`${file} cannot be written: ${(error as NodeJS.ErrnoException).code}`)
  }
  console.log([`wrote ${file}`, 'next:', ...next(answers, file)].join('\n'))
}

function next({ key, provider }: Wishes, file: string): string[] {
  const named = file === usualFile ? '' : ` --config ${file}`
  const name = key.replace(/^\w+:/, '')
  const steps: string[] = []
  if (key.startsWith('env:') && !process.env[name]) steps.push(`export ${name}=…`)
  if (key.startsWith('vault:')) steps.push(`spillway link ${name} --provider ${provider}${named}`)
  steps.push(`spillway doctor${named}`, `spillway start${named}`)
  return steps.map((step) => `  ${step}`)
}

function usual(wishes: Partial<Wishes>): Wishes {
  const { provider = 'anthropic', key = usualKeys[provider], local = 'none' } = wishes
  const { localModel = 'llama3.2', port: listen = 8787, storage = 'sqlite:spillway.db' } = wishes
  const { url } = wishes
  return { provider, key, local, localModel, port: listen, storage, ...(url !== undefined && { url }) }
}

/** Asks a person; undefined where that one does not want to answer. */
async function ask(told: Pick<Partial<Wishes>, 'url' | 'port'>): Promise<Wishes | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  lines.once('SIGINT', () => lines.close())
  // Keeps what is typed or pasted ahead.
  const typed = lines[Symbol.asyncIterator]()
  const question = async (
    text: string,
    otherwise: string,
    isGood: (answer: string) => boolean,
  ): Promise<string> => {
    lines.setPrompt(`${text} [${otherwise}]: `)
    for (;;) {
      lines.prompt()
      const { value, done } = await typed.next()
      if (done) throw new Interrupted()
      const answer = value.trim() || otherwise
      if (isGood(answer)) return answer
      process.stderr.write('  not one of these\n')
    }
  }
  try {
    const provider = (await question(`Who answers first: ${providers.join(', ')}?`, 'anthropic', (answer) =>
      providers.some((each) => each === answer),
    )) as Wishes['provider']
    const key = await question(
      'Where is its key: env:NAME, vault:NAME or caller?',
      usualKeys[provider],
      isReference,
    )
    const local = await question(
      'And when that fails: none, ollama, or the path of a .gguf file?',
      'none',
      () => true,
    )
    const localModel =
      local === 'ollama' ? await question('Which model of Ollama?', 'llama3.2', () => true) : ''
    const storage = await question(
      'Where are calls and costs kept: none, or sqlite:FILE?',
      'sqlite:spillway.db',
      () => true,
    )
    return usual({ ...told, provider, key, local, storage, ...(localModel && { localModel }) })
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    process.stderr.write('\n')
    return undefined
  } finally {
    lines.close()
  }
}

const isReference = (text: string): boolean =>
  /^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[A-Za-z0-9._-]+|caller)$/.test(text)

function reference(text: string): string {
  if (!isReference(text))
    throw new InvalidArgumentError('expected env:NAME, vault:NAME or caller; never a key itself.')
  return text
}

function port(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65535) throw new InvalidArgumentError('expected a port from 0 to 65535.')
  return value
}

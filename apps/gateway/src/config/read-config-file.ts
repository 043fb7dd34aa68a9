import { readFileSync } from 'node:fs'
import { ConfigError } from './config-error.ts'

/**
 * The text of a configuration file.
 * @throws ConfigError where there is none, or it is no text in UTF-8
 */
export function readConfigFile(file: string): string {
  const fail = (message: string): never => {
    throw new ConfigError(file, [{ line: 1, column: 1, key: '', message }])
  }
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return fail(reasons[code ?? ''] ?? message)
  }
  // What PowerShell's > and some editors write; YAML in UTF-8 has no such byte.
  if (bytes.includes(0)) return fail('this file is not in UTF-8 (UTF-16, perhaps): save it as UTF-8')
  return bytes.toString('utf8')
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; "spillway init" writes one',
  EISDIR: 'this is a folder: name the file in it',
  EACCES: 'this user may not read it: change its owner or its mode (chmod u+r)',
}

/** `${NAME}` as a value, which other tools replace: of a file that YAML cannot read, that is why. */
export function unreplacedVariable(text: string): { offset: number; message: string } | undefined {
  const offset = /(?<![\w"'])\$\{\w+\}/.exec(text)?.index
  if (offset === undefined) return undefined
  const message =
    'variables are not replaced here: write the value, or env:NAME where a key, a proxy or a database belongs'
  return { offset, message }
}

import { readFileSync, statSync } from 'node:fs'

// What people write where they know another program's ways, and how it is written here.

/** How others name a variable of the environment: `$NAME`, `${NAME}`, `%NAME%`, `os.environ/NAME`, `process.env.NAME`, `NAME`. */
const variables = /^(?:\$\{?|%|os\.environ\/|process\.env\.|env[./])?([A-Z][A-Z0-9_]{2,63})[}%]?$/

/** What to say of a text that is no reference to a key. Does not repeat it, since it may be a key. */
export function notAReference(text: unknown): string {
  const known =
    'expected env:NAME (an environment variable), vault:NAME, caller (whatever the caller presents), or aws, google or azure (what the cloud of the endpoint finds by itself); a key itself never belongs in a configuration file'
  const variable = typeof text === 'string' ? variables.exec(text.trim())?.[1] : undefined
  return variable === undefined ? known : `${known}: the variable ${variable} is env:${variable} here`
}

/** The largest `.env` that is looked at, in bytes. */
const largest = 65_536

/**
 * What to say of a variable that is not set, though a `.env` of this folder sets it; nothing otherwise.
 * @param file the file, where it is another one
 */
export function hintOfDotEnv(variable: string, file = '.env'): string {
  try {
    if (statSync(file).size > largest) return ''
    const isThere = readFileSync(file, 'utf8')
      .split(/\r?\n/)
      .some((line) => new RegExp(`^\\s*(?:export\\s+)?${variable}\\s*=`).test(line))
    return isThere ? `; ${file} sets it, which is not read by itself: set -a; . ./${file}; set +a` : ''
  } catch {
    return ''
  }
}

/** Whose keys begin like this, and the host that takes them. The longest beginning first. */
const makers: readonly (readonly [begin: string, name: string, host: string])[] = [
  ['sk-ant-', 'Anthropic', 'api.anthropic.com'],
  ['sk-or-', 'OpenRouter', 'openrouter.ai'],
  ['sk-proj-', 'OpenAI', 'api.openai.com'],
]

/** What to say of a key that another vendor has made than the one whose public address this is; undefined where nothing is known. */
export function keyOfAnother(key: string, url: string): string | undefined {
  const host = URL.parse(url)?.hostname
  const maker = makers.find(([begin]) => key.startsWith(begin))
  if (maker === undefined || maker[2] === host || !makers.some(([, , known]) => known === host))
    return undefined
  return `the key is one of ${maker[1]}, and ${host} will refuse it`
}

import { readCredential } from '@spillway/wire'
import {
  type Alias,
  type Document,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml'
import type { z } from 'zod'
import { exposureProblem } from '../access/exposure.ts'
import { problemOfKey } from '../fingerprints/configured-key.ts'
import { problemsOfAlerts, warningsOfAlerts } from './alert-problems.ts'
import { problemsOfClients } from './clients-problems.ts'
import type { Config } from './config.ts'
import { ConfigError, type ConfigProblem } from './config-error.ts'
import { hintOfDotEnv, keyOfAnother } from './credential-hints.ts'
import { problemsOfEmbedded } from './embedded-problems.ts'
import { idleSettings } from './idle-settings.ts'
import { problemsOfNetwork } from './network-problems.ts'
import { problemsOfOidc, warningsOfOidc } from './oidc-problems.ts'
import { omitUndefined } from './omit-undefined.ts'
import { readConfigFile, unreplacedVariable } from './read-config-file.ts'
import { renamedKey } from './renamed-keys.ts'
import { configSchema } from './schema.ts'
import { isVenue } from './venue-config.ts'
import { problemsOfVenues, warningsOfVenues } from './venue-problems.ts'
import { warningsOfWorkers } from './worker-problems.ts'

type Path = readonly PropertyKey[]

/** Zod would compile code for the schema, which pays for what is parsed often. */
const parsedOnce = { jitless: true }

/** A configuration and what its owner should know about it. */
export interface LoadedConfig {
  readonly config: Config
  readonly warnings: readonly ConfigProblem[]
  /** The position of a key in the file: for problems that are found later, such as a file that is missing. */
  problemAt(path: readonly PropertyKey[], message: string): ConfigProblem
}

/** What replaces keys of a file's `server`; undefined replaces nothing. */
export interface ServerOverrides {
  readonly host?: string | undefined
  readonly exposed?: boolean | undefined
}

/**
 * Reads and checks a configuration file.
 * @param overrides what the file's `server` is replaced with before it is checked
 * @throws ConfigError with file, line, column and key of everything that is wrong
 */
export function loadConfig(file: string, overrides: ServerOverrides = {}): LoadedConfig {
  const text = readConfigFile(file)
  return parseConfig(text, file, overrides)
}

/** The same for a text that is there already. */
export function parseConfig(text: string, file: string, overrides: ServerOverrides = {}): LoadedConfig {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    ...{ lineCounter: lines, uniqueKeys: true },
    // A key that is a list or a mapping is never meant; the parser would warn of it in words that quote the text.
    ...{ stringKeys: true, logLevel: 'error' },
  })
  const problemAt = (offset: number, key: string, message: string): ConfigProblem => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col, key, message }
  }
  if (document.errors.length > 0) {
    const variable = unreplacedVariable(text)
    if (variable !== undefined)
      throw new ConfigError(file, [problemAt(variable.offset, '', variable.message)])
    throw new ConfigError(
      file,
      document.errors.map((error) => problemAt(error.pos[0], '', explainSyntax(error, text))),
    )
  }
  const at = (path: Path, message: string): ConfigProblem =>
    problemAt(offsetOf(document, path), keyOf(path), message)
  const result = configSchema.safeParse(toPlain(document, file, problemAt) ?? {}, parsedOnce)
  if (!result.success)
    throw new ConfigError(
      file,
      result.error.issues.flatMap((issue) => problemsOf(issue, at)),
    )
  const config = { ...result.data, server: { ...result.data.server, ...omitUndefined(overrides) } }
  const problems = contradictions(config, at)
  if (problems.length > 0) throw new ConfigError(file, problems)
  return { config, warnings: warningsOf(config, at), problemAt: at }
}

/** What the parser would say by quoting the text, which could be a secret. */
const inOurWords: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'put a text that begins with * in quotes',
  BAD_DIRECTIVE: 'a line that starts with % is a YAML directive, and this is not a valid one',
  BAD_DQ_ESCAPE:
    'a backslash in double quotes starts an escape, and this is not a valid one; use single quotes',
  NON_STRING_KEY: 'a list or a mapping cannot be a key; put a text that begins with [, { or - in quotes',
  TAG_RESOLVE_FAILED: 'put a text that begins with ! in quotes',
  UNEXPECTED_TOKEN:
    'nothing is expected here; see whether a bracket or a quote before it is closed too early',
}

/** What the parser says, without any of the text but the name of a key. */
function explainSyntax({ code, message, pos }: YAMLError, text: string): string {
  if (code === 'DUPLICATE_KEY') {
    const name = /^[\w.-]+/.exec(text.slice(pos[0]))?.[0] ?? ''
    return `${name !== '' && isShown(name) ? `"${name}"` : 'this key'} is there twice: keep one of them`
  }
  return inOurWords[code] ?? message.split('\n')[0]?.replace(/ at line.*/, '') ?? ''
}

/**
 * The plain value of a document.
 * @throws ConfigError for aliases that are undefined or expand to too much
 */
function toPlain(
  document: Document.Parsed,
  file: string,
  problemAt: (offset: number, key: string, message: string) => ConfigProblem,
): unknown {
  try {
    return document.toJS()
  } catch (error) {
    const problems: ConfigProblem[] = []
    visit(document, {
      Alias(_, alias: Alias, ancestors) {
        if (alias.resolve(document) !== undefined) return
        const pair = ancestors.findLast(isPair)
        // Names of models may be shown; anything else may be a password.
        const isModel = isScalar(pair?.key) && pair.key.value === 'models' && isShown(alias.source)
        const what = isModel ? `*${alias.source}` : 'this'
        const message = `${what} is an alias of YAML, and nothing has that name; put a text that begins with * in quotes`
        problems.push(problemAt(alias.range?.[0] ?? 0, '', message))
      },
    })
    if (problems.length === 0) {
      const isGiant = (error as Error).message.startsWith('Excessive alias count')
      problems.push(problemAt(0, '', isGiant ? (error as Error).message : 'the file cannot be read'))
    }
    throw new ConfigError(file, problems)
  }
}

type Locate = (path: Path, message: string) => ConfigProblem

function problemsOf(issue: z.core.$ZodIssue, at: Locate): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => at([...issue.path, key], unknownKey(issue.path, key)))
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // What is wrong inside of a mapping that may also be something else, such as false.
    const inside = issue.errors.find((issues) => issues.some((each) => isInside(each)))
    if (inside === undefined) return [at(issue.path, issue.message)]
    return inside.flatMap((each) => problemsOf({ ...each, path: [...issue.path, ...each.path] }, at))
  }
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => at(issue.path, message))
  return [at(issue.path, inPlainWords(issue.message.replace(/^Invalid input: /, '')))]
}

function unknownKey(path: Path, key: string): string {
  const next = renamedKey(path, key)
  return next === undefined ? 'unknown key' : `unknown key; it is called ${next} now`
}

const kinds: Readonly<Record<string, string>> = {
  ...{ object: 'a mapping of keys', record: 'a mapping of names', array: 'a list', string: 'a text' },
  ...{ number: 'a number', boolean: 'true or false', null: 'nothing', undefined: 'nothing' },
}

/** The schema's `expected object, received string` for people who write YAML. */
function inPlainWords(message: string): string {
  return message.replace(
    /^expected (\w+), received (\w+)$/,
    (_, expected: string, received: string) =>
      `expected ${kinds[expected] ?? expected}, found ${kinds[received] ?? received}`,
  )
}

const isInside = ({ code, path }: z.core.$ZodIssue): boolean =>
  code === 'unrecognized_keys' || (path.length > 0 && typeof path[0] === 'string')

/** What no single value shows: undefined names, parts that do not go together. */
function contradictions(config: Config, at: Locate): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const known = Object.keys(config.targets)
  const mustExist = (name: string, path: Path): void => {
    if (!known.includes(name))
      problems.push(
        at(path, `no target is called "${shown(name)}"; there are ${known.map(shown).join(', ')}`),
      )
  }
  for (const [index, route] of config.routes.entries()) {
    mustExist(route.target, ['routes', index, 'target'])
    for (const [place, name] of route.fallback.entries()) {
      mustExist(name, ['routes', index, 'fallback', place])
      if (name === route.target || route.fallback.indexOf(name) !== place) {
        problems.push(at(['routes', index, 'fallback', place], `"${name}" is on this route already`))
      }
    }
  }
  for (const [index, { from, to }] of (config.mirror ?? []).entries()) {
    mustExist(from, ['mirror', index, 'from'])
    mustExist(to, ['mirror', index, 'to'])
    if (from === to) problems.push(at(['mirror', index, 'to'], `"${to}" is where the calls go already`))
  }
  for (const [name, target] of Object.entries(config.targets)) {
    if (target.api === 'embedded') {
      problems.push(...problemsOfEmbedded(name, target, at))
    } else if (target.endpoints === undefined) {
      problems.push(at(['targets', name], 'endpoints is missing: expected a list of one or more'))
    }
    if (target.dialect !== undefined && target.api !== 'openai') {
      const why = `a dialect is for api: openai; api: ${target.api} has its own, leave this out`
      problems.push(at(['targets', name, 'dialect'], why))
    }
    if (target.responses !== undefined && target.api !== 'openai') {
      const why = `this is for api: openai; callers of the Responses API are translated for api: ${target.api}, leave it out`
      problems.push(at(['targets', name, 'responses'], why))
    }
    const names = (target.endpoints ?? []).map((endpoint, index) => endpoint.name ?? String(index + 1))
    for (const [index, endpoint] of (target.endpoints ?? []).entries()) {
      if (names.indexOf(names[index] as string) !== index) {
        problems.push(
          at(['targets', name, 'endpoints', index], `"${names[index]}" is another endpoint's name`),
        )
      }
      const problem = problemOfVariable(endpoint.credential)
      if (problem !== undefined) {
        problems.push(at(['targets', name, 'endpoints', index, 'credential'], problem))
      }
      if (endpoint.credential === 'caller' && config.server.auth === 'keys') {
        const path = ['targets', name, 'endpoints', index, 'credential']
        problems.push(at(path, callersKeyStays))
      }
      if (endpoint.credential?.startsWith('vault:') && config.vault === undefined) {
        problems.push(at(['targets', name, 'endpoints', index, 'credential'], needsVault))
      }
    }
  }
  problems.push(
    ...problemsOfVenues(config, at),
    ...problemsOfNetwork(config, at),
    ...problemsOfFingerprintKey(config, at),
    ...problemsOfAlerts(config, at),
    ...problemsOfOidc(config, at),
    ...problemsOfClients(config, at),
  )
  if (config.vault === undefined && auditKeysIn(config).some((reference) => reference.startsWith('vault:')))
    problems.push(at(['storage', 'auditKey'], needsVault))
  const exposure = exposureProblem(config.server)
  if (exposure !== undefined) problems.push(at(['server', 'host'], exposure))
  return problems
}

function auditKeysIn({ storage }: Config): readonly string[] {
  return [storage?.auditKey ?? []].flat()
}

/** What is wrong with the key in a variable that is set. A variable that is not set can be set elsewhere: that is a warning. */
function problemOfVariable(credential: string | undefined): string | undefined {
  if (!credential?.startsWith('env:')) return undefined
  const value = process.env[credential.slice('env:'.length)] ?? ''
  if (isPlaceholder(value))
    return `${credential} holds a placeholder and no key, such as $NAME or <key>; set it to the key and nothing else`
  const read = readCredential(value)
  if ('value' in read || read.problem === 'is empty') return undefined
  return `${credential} ${read.problem}; set it to the key and nothing else`
}

/** Placeholders for a key, in examples and where a variable was not replaced. */
const isPlaceholder = (value: string): boolean =>
  /^\s*(\$\{?\w+\}?|%\w+%|<[^>]*>|\{\{.*\}\}|(env|vault):[\w.-]+|your[-_ ].*|changeme|xxx+)\s*$/i.test(value)

function problemsOfFingerprintKey({ server, vault }: Config, at: Locate): ConfigProblem[] {
  const { fingerprintKey: reference } = server
  const path = ['server', 'fingerprintKey']
  if (reference?.startsWith('vault:') && vault === undefined) return [at(path, needsVault)]
  if (!reference?.startsWith('env:')) return []
  const problem = problemOfKey(process.env[reference.slice('env:'.length)])
  return problem === undefined ? [] : [at(path, `${reference} ${problem}`)]
}

const callersKeyStays =
  'caller does not go with server.auth: keys, where callers present keys of the gateway, which stay here: use env:NAME or vault:NAME'

const needsVault =
  'vault:NAME needs to know the vault: add vault: { file: vault.age, keyFile: vault.key }, or use env:NAME'

const vendors: ReadonlySet<string> = new Set(['anthropic', 'openrouter', 'openai'])

const noModelFallback =
  'fallback.refusal does not hold for openrouter: where a model declines there, no other is asked; openrouter: { models: […] } has OpenRouter do it'

function warningsOf(config: Config, at: Locate): ConfigProblem[] {
  const warnings: ConfigProblem[] = []
  for (const reference of auditKeysIn(config)) {
    if (!reference.startsWith('env:')) continue
    const problem = problemOfKey(process.env[reference.slice('env:'.length)])
    if (problem !== undefined)
      warnings.push({
        ...at(['storage', 'auditKey'], `${reference} ${problem}: the gateway does not start so`),
        stopsStart: true,
      })
  }
  for (const [name, target] of Object.entries(config.targets)) {
    if (config.fallback?.refusal !== undefined && target.api === 'openrouter')
      warnings.push(at(['targets', name, 'api'], noModelFallback))
    for (const [index, endpoint] of (target.endpoints ?? []).entries()) {
      const path = ['targets', name, 'endpoints', index]
      if (vendors.has(target.api) && !isVenue(endpoint.api) && endpoint.credential === undefined) {
        warnings.push(
          at(
            path,
            'no credential: requests go out without a key; use env:NAME, or caller to pass on what the caller presents',
          ),
        )
      }
      const variable = endpoint.credential?.startsWith('env:') ? endpoint.credential.slice(4) : undefined
      if (variable !== undefined && !process.env[variable]?.trim()) {
        const effect = 'calls to this endpoint fail as authentication, or fall back'
        const message = `${effect}: the environment variable ${variable} is not set${hintOfDotEnv(variable)}`
        warnings.push(at([...path, 'credential'], message))
      }
      const other = variable && keyOfAnother(process.env[variable]?.trim() ?? '', endpoint.url ?? '')
      if (other) warnings.push(at([...path, 'credential'], other))
    }
  }
  warnings.push(...warningsOfVenues(config, at), ...warningsOfOidc(config, at), ...idleSettings(config, at))
  warnings.push(...warningsOfAlerts(config, at), ...warningsOfWorkers(config, at))
  return warnings
}

/** The position of a path in the text; of a missing key, the position of its parent. */
function offsetOf(document: Document.Parsed, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const key = path[length - 1]
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key)
      const start = (pair?.key as Node | undefined)?.range?.[0]
      if (start !== undefined) return start
      continue
    }
    const node = document.getIn(path.slice(0, length), true) as Node | undefined
    if (node?.range) return node.range[0]
  }
  return document.contents?.range?.[0] ?? 0
}

function keyOf(path: Path): string {
  return path.reduce<string>((key, part) => {
    if (typeof part === 'number') return `${key}[${part}]`
    return key === '' ? shown(String(part)) : `${key}.${shown(String(part))}`
  }, '')
}

/** A name from the file; what may be a key of a vendor, or a URL, in the wrong place is not repeated. */
function shown(name: string): string {
  return isShown(name) ? name : '(not shown)'
}

function isShown(name: string): boolean {
  return /^[\w.*/-]{1,64}$/.test(name) && !/^(sk-|sw-|AGE-SECRET-KEY-)/i.test(name)
}

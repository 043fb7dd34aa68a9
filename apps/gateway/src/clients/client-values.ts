import { clientKeyStart } from './client-key.ts'
import { permissionNames } from './permissions.ts'

// What may be set of a client, by the command line and by `/api`. Each says why a value is refused; undefined where it is not.

export function nameProblem(text: string): string | undefined {
  if (text.startsWith(clientKeyStart) || text.startsWith('sk-'))
    return 'this looks like a key; give the name of the client, and replace the key'
  // Such names are those of callers that a gateway without keys distinguishes.
  if (text.startsWith('key-')) return 'names that begin with key- are reserved'
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text))
    return 'expected a name of at most 64 letters, digits, dots, dashes, underscores'
  return undefined
}

export function teamProblem(text: string): string | undefined {
  if (/^[\w .@-]{0,64}$/.test(text)) return undefined
  return 'expected a name of at most 64 letters, digits, spaces, dots and dashes'
}

export function permissionProblem(names: readonly string[]): string | undefined {
  const unknown = names.find((name) => !permissionNames.includes(name))
  return unknown === undefined
    ? undefined
    : `there is no ${unknown.slice(0, 40)}; there are ${permissionNames.join(', ')}`
}

export function globProblem(globs: readonly string[]): string | undefined {
  const isWrong = globs.some((glob) => !/^[\w.:/@*-]{1,256}$/.test(glob))
  if (globs.length > 0 && globs.length <= 100 && !isWrong) return undefined
  return 'expected names of models, such as claude-haiku-*,claude-sonnet-5-5'
}

export function targetProblem(globs: readonly string[]): string | undefined {
  const isWrong = globs.some((glob) => !/^[\w.*-]{1,64}$/.test(glob))
  if (globs.length > 0 && globs.length <= 100 && !isWrong) return undefined
  return 'expected names of targets of the configuration, such as claude,local'
}

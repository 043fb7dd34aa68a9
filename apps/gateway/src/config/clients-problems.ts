import type { Config } from './config.ts'
import type { ConfigProblem } from './config-error.ts'

type Locate = (path: readonly PropertyKey[], message: string) => ConfigProblem

/** What does not go together of where clients are kept. */
export function problemsOfClients({ server, storage }: Config, at: Locate): readonly ConfigProblem[] {
  const { clientsDatabase: named, clientsFile, fingerprintKey } = server
  if (named === undefined) return []
  const place = ['server', 'clientsDatabase']
  const problems: ConfigProblem[] = []
  if (clientsFile !== undefined)
    problems.push(at(place, 'clients are kept in one place: leave this out, or server.clientsFile'))
  if (named === 'storage' && !isPostgres(storage?.url))
    problems.push(
      at(
        place,
        'storage.url is no postgres://… database: name one, or leave this out and clients are in a file',
      ),
    )
  // Each machine has another key in its state folder.
  if (fingerprintKey === undefined)
    problems.push(
      at(
        place,
        'set server.fingerprintKey too: all gateways and commands need the same one to hash keys with',
      ),
    )
  return problems
}

const isPostgres = (url: string | undefined): boolean =>
  url !== undefined && (/^postgres(ql)?:/.test(url) || url.startsWith('env:'))

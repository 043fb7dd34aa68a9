// Without Kysely, which has many modules: where SQLite is in its own thread, the others do not load them.

export type DatabaseName = 'sqlite' | 'postgres'

/**
 * By a URL: `sqlite:FILE`, `sqlite::memory:` or `postgres://…`.
 * @throws TypeError for any other URL
 */
export function databaseName(url: string): DatabaseName {
  if (url.startsWith('sqlite:')) return 'sqlite'
  if (/^postgres(ql)?:\/\//.test(url)) return 'postgres'
  throw new TypeError("storage: the URL must begin with 'sqlite:' or 'postgres://'")
}

/** The file of a SQLite database by its URL; undefined for one in memory, and other databases. */
export function databaseFile(url: string): string | undefined {
  const name = /^sqlite:(.*)$/s.exec(url)?.[1]
  if (name === undefined || name === '' || name === ':memory:') return undefined
  if (!name.startsWith('file:')) return name
  // SQLite takes URLs of files too, with parameters.
  const { pathname, searchParams } = new URL(name, 'file:///')
  if (searchParams.get('mode') === 'memory') return undefined
  const path = decodeURIComponent(pathname)
  return /^file:\//.test(name) ? path : path.slice(1)
}

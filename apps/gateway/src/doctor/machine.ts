import { access, constants, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, resolve } from 'node:path'
import { checkGguf, openEngine } from '@spillway/local-model'
import type { Config } from '../config/config.ts'
import { localEngineFolder } from '../local-engine-folder.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** How long Redis or a database may take, in milliseconds. */
const patience = 3_000

/** How long a model may take to load, in milliseconds. */
const loading = 120_000

const gibibyte = 2 ** 30

/** Models inside the gateway: whether the file is right, and whether llama.cpp loads it. */
export async function examineModels({ targets }: Config): Promise<Finding[]> {
  const found: Finding[] = []
  for (const [name, { api, model = '', capabilities }] of Object.entries(targets)) {
    if (api !== 'embedded') continue
    try {
      const { bytes, contextLength } = await checkGguf(model)
      const from = performance.now()
      await load(model, capabilities?.contextTokens)
      const size = `${(bytes / gibibyte).toFixed(1)} GiB, made for ${contextLength} tokens`
      found.push(ok(name, `${model} loads in ${Math.round(performance.now() - from)} ms (${size})`))
    } catch (error) {
      const message = (error as Error).message
      const isMissing = (error as { code?: string }).code === 'SPILLWAY_LOCAL_ENGINE_MISSING'
      found.push(
        problem(
          name,
          message,
          isMissing ? 'run: spillway local install' : 'set model to the path of a whole .gguf file',
        ),
      )
    }
  }
  return found
}

async function load(modelPath: string, contextSize: number | undefined): Promise<void> {
  const engine = openEngine({
    modelPath,
    libraryFolder: localEngineFolder(),
    ...(contextSize !== undefined && { contextSize }),
  })
  try {
    await within(engine.load(), loading)
  } finally {
    await engine.close()
  }
}

export async function examineRedis({ state }: Config): Promise<Finding[]> {
  if (state?.redis === undefined) return []
  const { Redis } = await import('ioredis')
  const redis = new Redis(state.redis, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: patience,
  })
  let told = ''
  redis.on('error', (error: NodeJS.ErrnoException) => {
    told = error.code ?? error.message
  })
  try {
    await within(
      redis.connect().then(() => redis.ping()),
      patience,
    )
    return [ok('redis', 'it answers')]
  } catch (error) {
    const why = told || (error as Error).message
    return [
      problem(
        'redis',
        `no answer (${why})`,
        'start it, or mend state.redis; until then each gateway keeps to its own share',
      ),
    ]
  } finally {
    redis.disconnect()
  }
}

export async function examineStorage({ storage }: Config): Promise<Finding[]> {
  if (storage === undefined) return []
  const url = storage.url.startsWith('env:') ? process.env[storage.url.slice(4)] : storage.url
  if (!url) return [problem('database', `${storage.url} is not set`, 'set it to sqlite:FILE or postgres://…')]
  return url.startsWith('sqlite:') ? examineFile(url.slice('sqlite:'.length)) : examinePostgres(url)
}

async function examineFile(file: string): Promise<Finding[]> {
  const folder = dirname(resolve(file))
  try {
    await access(folder, constants.W_OK)
    const isThere = await access(file, constants.R_OK | constants.W_OK).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false
        throw error
      },
    )
    return [
      ok('database', isThere ? `${file} can be written` : `${file} will be made`),
      await examineDisk(folder),
    ]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return [
      problem(
        'database',
        `${file} cannot be written (${code})`,
        `make the folder ${folder}, or let this user write there`,
      ),
    ]
  }
}

async function examinePostgres(url: string): Promise<Finding[]> {
  const { openLedgerStore } = await import('@spillway/ledger')
  const store = openLedgerStore(url, { readOnly: true, warn: () => {} })
  try {
    await within(store.audit.head(), patience)
    return [ok('database', 'PostgreSQL answers')]
  } catch (error) {
    // The message of some errors quotes the URL with its password.
    const { code, name } = error as NodeJS.ErrnoException
    if (code === 'SPILLWAY_LEDGER_MISSING')
      return [ok('database', 'PostgreSQL answers; the gateway will make its tables')]
    const mend = 'start it, or mend storage.url; until then rows wait in the journal'
    return [problem('database', `PostgreSQL gives no answer (${code ?? name})`, mend)]
  } finally {
    await within(store.close(), patience).catch(() => {})
  }
}

/** How much is left where the ledger and the journal are written. */
export async function examineDisk(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const message = `${(free / gibibyte).toFixed(1)} GiB free in ${folder}`
  const mend = 'make space: a full disk loses rows of the ledger'
  if (free < gibibyte / 10) return problem('disk', message, mend)
  return free < gibibyte ? warning('disk', message, mend) : ok('disk', message)
}

/** Whether the gateway can listen; one that does already is no problem. */
export async function examinePort({ server: { host, port } }: Config): Promise<Finding> {
  if (port === 0) return ok('port', 'any free one')
  const server = createServer()
  const code = await new Promise<string | undefined>((resolved) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolved(error.code))
    server.listen(port, host, () => server.close(() => resolved(undefined)))
  })
  if (code === undefined) return ok('port', `${host}:${port} is free`)
  if (code !== 'EADDRINUSE')
    return problem(
      'port',
      `${host}:${port} cannot be used (${code})`,
      'set server.port to one above 1023, and server.host to an address of this machine',
    )
  const isGateway = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(patience) })
    .then((response) => response.text())
    .then(
      (text) => text.includes('"spillway"'),
      () => false,
    )
  if (isGateway) return ok('port', `a gateway is running at ${host}:${port}`)
  return problem(
    'port',
    `${host}:${port} is in use by another program`,
    'set server.port, or start with --port',
  )
}

function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`nothing for ${ms / 1000} s`)), ms)
  work.catch(() => {})
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}

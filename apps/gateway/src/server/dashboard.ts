import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** The built pages: beside the compiled server, or in its build where the sources run. */
const builtInto = ['../dashboard/', '../../dist/dashboard/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Nothing from elsewhere, nothing inline, in no frame, and no window that a foreign page can reference. */
const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** The static files of the dashboard. */
export interface Dashboard {
  /**
   * Answers a GET or HEAD for a page or a file of the dashboard.
   * @returns false where it has nothing to say, and has written nothing
   */
  answer(req: IncomingMessage, res: ServerResponse, path: string): boolean
}

interface File {
  readonly bytes: Buffer
  readonly type: string
  readonly etag: string
  /** Made when it is first asked for. */
  gzipped?: Buffer
}

/**
 * Reads the files at the first request, once.
 * @param folder with `index.html` and `assets/`; by default what the build has put beside this package's code
 */
export function openDashboard(folder?: string): Dashboard {
  let files: ReadonlyMap<string, File> | undefined
  return {
    answer(req, res, path) {
      const isPage = path === '/' && asksForPage(req)
      if (!isPage && !path.startsWith('/assets/')) return false
      files ??= readFiles(folder ?? builtInto.find((each) => existsSync(each)))
      const file = files.get(isPage ? '/index.html' : path)
      if (file === undefined) return false
      send(req, res, file, isPage ? 'no-cache' : 'public, max-age=31536000, immutable')
      return true
    },
  }
}

/** Programs probe the root too, with `HEAD` or for anything; browsers name HTML. */
function asksForPage({ method, headers }: IncomingMessage): boolean {
  const ranges = headers.accept?.split(',') ?? []
  return (
    method === 'GET' && ranges.some((range) => /^\s*text\/html\s*(;(?!\s*q=0(\.0*)?\s*$)|$)/i.test(range))
  )
}

function readFiles(folder: string | undefined): ReadonlyMap<string, File> {
  if (folder === undefined || !existsSync(folder)) return new Map()
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => extname(name) in types,
  )
  return new Map(
    names.map((name) => {
      const bytes = readFileSync(`${folder}/${name}`)
      const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
      return [`/${name.replaceAll('\\', '/')}`, { bytes, type: types[extname(name)] as string, etag }]
    }),
  )
}

function send(req: IncomingMessage, res: ServerResponse, file: File, caching: string): void {
  const headers: OutgoingHttpHeaders = {
    ...securityHeaders,
    'cache-control': caching,
    etag: file.etag,
    vary: 'accept, accept-encoding',
  }
  if (req.headers['if-none-match'] === file.etag) {
    res.writeHead(304, headers).end()
    return
  }
  const isGzipped = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(
    String(req.headers['accept-encoding'] ?? ''),
  )
  if (isGzipped) file.gzipped ??= gzipSync(file.bytes, { level: 9 })
  const body = isGzipped ? (file.gzipped as Buffer) : file.bytes
  res.writeHead(200, {
    ...headers,
    'content-type': file.type,
    'content-length': body.length,
    ...(isGzipped && { 'content-encoding': 'gzip' }),
  })
  res.end(req.method === 'HEAD' ? undefined : body)
}

import { field, stringField } from './usage.ts'

/**
 * Codes of failures between here and the upstream: the system's (`ECONNRESET`), undici's, of Node's HTTP, TLS and zlib,
 * and of Bun. Not those of a program's own calls, such as `ENOENT` or `ERR_INVALID_ARG_TYPE`.
 */
const networkCodes =
  /^(E(AI_\w+|CONN\w+|PIPE|TIMEDOUT|HOST\w+|NET\w+|NOTFOUND|ADDR(INUSE|NOTAVAIL)|PROTO|NOTCONN|SHUTDOWN|NOBUFS|MFILE|NFILE)|UND_ERR_(?!INVALID_|NOT_SUPPORTED|REQ_)\w+|HPE_\w+|Z_\w+|ERR_(SSL|TLS|HTTP2|SOCKET|STREAM_PREMATURE_CLOSE|CONTENT_DECODING|INTERIM_RESPONSES|NETWORK)\w*|CERT_\w+|DEPTH_ZERO\w*|SELF_SIGNED\w*|UNABLE_TO_\w+|ABORT_ERR|Connection(Refused|Closed|Reset)|FailedToOpenSocket|Timeout)$/

/** What runtimes and libraries say where they give no code. Seen to 2026 in Node, Chrome, Firefox, Safari, Deno, Workers, React Native. */
const networkMessages =
  /^(fetch failed|terminated$|network error$|Failed to fetch|NetworkError when attempting|Load failed|Network request failed|The Internet connection appears to be offline|The network connection was lost|Network connection lost|error sending request|socket hang up|Premature close|other side closed|Client network socket disconnected)/i

/** A fetch wraps these like a failure of the network, but they are of the URL or the options that it was given. */
const ofTheCall = /\bscheme\b|^bad port$|^unexpected redirect$|^redirect count exceeded$|^not implemented/i

/** Codes of arguments that make no sense. */
const argumentCodes = /^(UND_ERR_(INVALID|NOT_SUPPORTED)|ERR_INVALID_)/

/** How a fetch, a signal of `AbortSignal.timeout`, or an older node-fetch calls its own timeout. */
const cutNames: ReadonlySet<string> = new Set(['AbortError', 'TimeoutError'])
const cutTypes: ReadonlySet<string> = new Set(['request-timeout', 'body-timeout'])

/** Whether a `fetch`, or a wrapper around one, was cut by its own timeout. */
export function isCutByFetch(error: unknown): boolean {
  return causesOf(error).some(
    (cause) =>
      cutNames.has(stringField(cause, 'name') ?? '') || cutTypes.has(stringField(cause, 'type') ?? ''),
  )
}

/**
 * Whether a `fetch` failed because of the network or the upstream, by what it threw or by a cause of that; all else is an
 * error of the program around it: a wrapper's exception, an invalid URL, an option that makes no sense.
 */
export function isNetworkError(error: unknown): boolean {
  const causes = causesOf(error)
  if (causes.some((cause) => isNetworkCode(codeIn(cause)))) return true
  if (isCutByFetch(error)) return true
  const innermost = causes.at(-1)
  // undici asserts what its parser should have refused; a program's own assertion has no fetch around it.
  if (codeIn(innermost) === 'ERR_ASSERTION') return causes.length > 1
  const isOfTheCall = causes.some(
    (cause) => argumentCodes.test(codeIn(cause) ?? '') || ofTheCall.test(stringField(cause, 'message') ?? ''),
  )
  return !isOfTheCall && causes.some((cause) => networkMessages.test(stringField(cause, 'message') ?? ''))
}

/** The first code in a chain of causes that is one of a transport; else the outermost. */
export function transportCode(error: unknown): string | undefined {
  const codes = causesOf(error)
    .map(codeIn)
    .filter((code) => code !== undefined)
  return codes.find(isNetworkCode) ?? codes[0]
}

/** Whether a code is one of the network, the system or a transport. */
export function isNetworkCode(code: string | undefined): boolean {
  return code !== undefined && networkCodes.test(code)
}

/** An error and what it names as its causes, a few of them; of several at once, such as one for each address, the first. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = []
  for (let cause = error; cause != null && causes.length < 5; ) {
    causes.push(cause)
    const errors = field(cause, 'errors')
    cause = field(cause, 'cause') ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
  return causes
}

function codeIn(cause: unknown): string | undefined {
  const code = stringField(cause, 'code')
  if (code !== undefined) return code
  // undici 8 gives its parser's errors no code any more.
  return stringField(cause, 'name') === 'HTTPParserError' ? 'HPE_INVALID' : undefined
}

/**
 * An address as it may be shown: without user, password, query and fragment. For any text: what is no URL is not shown at
 * all, since its parts cannot be told apart.
 */
export function safeUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null) return '(no URL)'
  const { protocol, host, pathname } = url
  // An unescaped / or ? in a password ends the host for a parser: an @ behind it says so.
  const isWhole = !text.slice(text.indexOf(host) + host.length).includes('@')
  return `${protocol}//${host}${isWhole ? pathname.replace(/\/$/, '') : '/…'}`
}

/**
 * What makes a URL unfit for an endpoint, in words that do not repeat it; undefined where nothing does. Requests go to its
 * host and below its path: all else of it would be lost without a word.
 */
export function endpointUrlProblem(text: string): string | undefined {
  const url = URL.parse(text)
  // Whether it is one at all is asked elsewhere.
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined
  if (url.username !== '' || url.password !== '') {
    return 'a user and a password in a URL are not sent, and everybody who reads the file knows them: use credential: env:NAME or vault:NAME'
  }
  if (url.search !== '' || url.hash !== '') {
    return 'what follows ? or # in a URL is not sent; a key belongs in credential: env:NAME or vault:NAME'
  }
  const call = callPath.exec(url.pathname)?.[0]
  if (call !== undefined)
    return `the base URL is expected, to which the paths of calls are added: leave ${call} out`
  if (url.hostname === 'openrouter.ai' && !url.pathname.startsWith('/api'))
    return "OpenRouter's base URL is https://openrouter.ai/api"
  return undefined
}

/** Where a URL is that of one kind of calls. */
const callPath = /\/(?:chat\/completions|completions|messages|responses)\/?$/

import { emitWarning, guardListener } from '@spillway/middleware/kit'
import type { OtherCall } from './fetch-call.ts'

/** A POST of a model API that reaches the `fetch` without any policy. */
export interface NotCovered {
  /** `path` for one that no call of a known protocol has, `body` for one of such a call that is no JSON with a model. */
  readonly reason: 'path' | 'body'
  /** What is told of once: the last word of the path, such as `batches` or `embeddings`; `body` for a body. */
  readonly kind: string
  /** Without user, password, query and fragment. */
  readonly url: string
}

/** How many kinds are told of. */
const mostKinds = 8

/** How much is quoted of a URL. */
const longestUrl = 300

/** Where nothing but model APIs is served. */
const vendorHosts =
  /(^|\.)(anthropic\.com|openrouter\.ai|api\.openai\.com|openai\.azure\.com|services\.ai\.azure\.com|claude\.googleapis\.com)$|aiplatform\.([a-z0-9-]+\.rep\.)?googleapis\.com$|^bedrock-(runtime|mantle)[.-].*\.(amazonaws\.com(\.cn)?|api\.aws)$|^aws-external-anthropic\./

/** What a model API calls its calls, at any host. */
const callPaths =
  /\/v1\/messages(\/count_tokens|\/batches)?$|\/chat\/completions$|\/v1\/(responses|embeddings|completions)$|:(rawPredict|streamRawPredict)$|\/invoke-with-response-stream$|\/converse(-stream)?$|\/api\/(chat|generate)$/

/** Signing in, organizations and telemetry: nothing that a policy could be wanted for. */
const noModelPaths = /\/(oauth|organizations|event_logging|telemetry|metrics)(\/|$)/

/** What that is, if a policy was to be expected at it. */
function notCovered({ method, url, isCallPath }: OtherCall): NotCovered | undefined {
  const { hostname, origin, pathname } = URL.parse(url) ?? {}
  if (method !== 'POST' || hostname === undefined || pathname === undefined) return undefined
  const isOfVendor = vendorHosts.test(hostname) && !noModelPaths.test(pathname)
  if (!isOfVendor && !callPaths.test(pathname)) return undefined
  const last = /(?<=[/:])[a-z][a-z_-]{0,31}$/i.exec(pathname)?.[0]
  return {
    reason: isCallPath ? 'body' : 'path',
    kind: isCallPath ? 'body' : (last ?? 'other'),
    url: `${origin}${pathname}`.slice(0, longestUrl),
  }
}

/** Tells once of each kind of a call that no policy sees; of a bounded number of kinds. */
export function tellerOfNotCovered(tell: (call: NotCovered) => void): (call: OtherCall) => void {
  const told = new Set<string>()
  const guarded = guardListener('onNotCovered', tell)
  return (call) => {
    if (told.size >= mostKinds) return
    const found = notCovered(call)
    if (found === undefined || told.has(found.kind)) return
    told.add(found.kind)
    guarded(found)
  }
}

/** A warning of the process, `SPILLWAY_NOT_COVERED`. */
export function warnOfNotCovered({ reason, kind, url }: NotCovered): void {
  const why =
    reason === 'path' ? 'no model call that Spillway knows has this path' : 'its body is no JSON with a model'
  const text =
    `POST ${url} is sent without any policy (no retry, no fallback, no limit), since ${why}. ` +
    `This is told once for "${kind}"; onNotCovered replaces this warning.`
  emitWarning(text, 'SPILLWAY_NOT_COVERED')
}

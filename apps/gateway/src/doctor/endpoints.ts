import { lookup } from 'node:dns/promises'
import { proxiedFetch, proxySettings } from '@spillway/core-client'
import type { Vault } from '@spillway/key-vault'
import { normaliseBaseUrl } from '@spillway/wire'
import { isOnThisMachine } from '../access/exposure.ts'
import type { Config, EndpointConfig, TargetConfig } from '../config/config.ts'
import { isInContainer } from '../config/container.ts'
import { networkOf } from '../config/network-problems.ts'
import { cloudOf, isVenue, type VenueApi, venueFacts } from '../config/venue-config.ts'
import { safeUrl } from '../safe-url.ts'
import { howToAdd } from '../vault/how-to-add.ts'
import { addressOf, plainHeaders } from '../venues/venue-profile.ts'
import { countAt } from './count-at.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** How long one endpoint may take to answer, in milliseconds. */
const patience = 10_000

/** How far a clock may be off before tokens and signatures that have a date are refused, in milliseconds. */
const allowedSkew = 60_000

/** Endpoints that are asked at a time. */
const atOnce = 8

interface Probe {
  readonly subject: string
  readonly target: TargetConfig
  readonly endpoint: EndpointConfig
  readonly vault: Vault | undefined
  readonly config: Config
}

/** Asks each endpoint with its own key something that costs nothing: name, TLS, answer, latency, clock, key. */
export async function examineEndpoints(config: Config, vault: Vault | undefined): Promise<Finding[]> {
  const probes = Object.entries(config.targets).flatMap(([name, target]) =>
    (target.endpoints ?? []).map((endpoint, index): Probe => {
      return { subject: `${name}/${endpoint.name ?? index + 1}`, target, endpoint, vault, config }
    }),
  )
  const found: Finding[] = []
  for (let from = 0; from < probes.length; from += atOnce)
    found.push(...(await Promise.all(probes.slice(from, from + atOnce).map(examine))).flat())
  return found
}

async function examine({ subject, target, endpoint, vault, config }: Probe): Promise<Finding[]> {
  const { credential } = endpoint
  const key = cloudOf(credential) === undefined ? await keyOf(credential, vault, config) : undefined
  if (typeof key === 'object') return [problem(subject, key.problem, key.mend)]
  const url = addressOf(endpoint)
  const where = safeUrl(url)
  const { hostname } = new URL(url)
  const name = hostname.replace(/^\[|\]$/g, '')
  const network = networkOf(endpoint)
  // Behind a proxy that is for its host, only that need know the name.
  const known = mayBeProxied(network.proxy)
    ? undefined
    : await within(lookup(name)).catch((error: unknown) => codeOf(error))
  if (typeof known === 'string')
    return [
      problem(
        subject,
        `${where}: no address for ${name} (${known})`,
        `see whether url is spelled right and DNS works on this machine`,
      ),
    ]
  const ask = isVenue(endpoint.api) ? askVenue : askDirectly
  return ask({ subject, target, endpoint, vault, config }, where, key)
}

/** Asks a place where Claude is sold in another form, or with a credential of its cloud, for a count of tokens. */
async function askVenue(
  { subject, target, endpoint, vault }: Probe,
  where: string,
  key: string | undefined,
): Promise<Finding[]> {
  const { credential, api } = endpoint
  const found = await countAt({ target, endpoint, vault, patience })
  if ('problem' in found)
    return [problem(subject, `${where}: ${found.problem}`, 'mend that, or set another credential')]
  if ('error' in found) return [unreachable(subject, where, found.error)]
  const { status, latency, date, words } = found
  const hasKey = key !== undefined || cloudOf(credential) !== undefined
  const judged = judge({ subject, where, status, credential, latency, hasKey })
  const isForbidden = status === 403 || (status === 401 && hasKey)
  const told = isForbidden && words !== '' ? { ...judged, message: `${judged.message} (${words})` } : judged
  const mend = isForbidden
    ? {
        mend: `see whether the identity may use the model at ${venueFacts[api as VenueApi].label}, and whether access to it is granted`,
      }
    : {}
  return [{ ...told, ...mend, latency }, ...skewOf(subject, date)]
}

async function askDirectly(
  { subject, target, endpoint }: Probe,
  where: string,
  key: string | undefined,
): Promise<Finding[]> {
  const { credential } = endpoint
  const network = networkOf(endpoint)
  const from = performance.now()
  try {
    const response = await proxiedFetch(network)(
      `${normaliseBaseUrl(addressOf(endpoint))}${pathOf(target)}`,
      {
        headers: { ...headersOf(target, endpoint, key), ...plainHeaders(endpoint) },
        redirect: 'error',
        signal: AbortSignal.timeout(patience),
      },
    )
    const latency = Math.round(performance.now() - from)
    const models = await modelsIn(target, response)
    const judged = judge({
      subject,
      where,
      status: response.status,
      credential,
      latency,
      hasKey: key !== undefined,
    })
    return [
      { ...judged, latency },
      ...skewOf(subject, response.headers.get('date')),
      ...missing(subject, target, models),
    ]
  } catch (error) {
    return [unreachable(subject, where, error)]
  }
}

const mayBeProxied = (proxy: string | null | undefined): boolean => proxySettings(proxy) !== undefined

/** Paths that ask for a key and generate nothing. OpenRouter lists its models to anyone, so there it is the key's own. */
function pathOf({ api }: TargetConfig): string {
  if (api === 'ollama') return '/api/tags'
  return api === 'openrouter' ? '/v1/key' : '/v1/models'
}

function headersOf(
  { api }: TargetConfig,
  { auth = api === 'anthropic' ? 'x-api-key' : 'bearer' }: EndpointConfig,
  key: string | undefined,
): Record<string, string> {
  const version = api === 'anthropic' ? { 'anthropic-version': '2023-06-01' } : {}
  if (key === undefined) return version
  return auth === 'x-api-key'
    ? { ...version, 'x-api-key': key }
    : { ...version, authorization: `Bearer ${key}` }
}

/** The key of an endpoint; undefined where its callers bring theirs, or it needs none. */
async function keyOf(
  credential: string | undefined,
  vault: Vault | undefined,
  config: Config,
): Promise<string | undefined | { readonly problem: string; readonly mend: string }> {
  if (credential === undefined || credential === 'caller') return undefined
  const name = credential.replace(/^\w+:/, '')
  if (credential.startsWith('env:')) {
    const value = process.env[name]?.trim()
    return (
      value || { problem: `the environment variable ${name} is not set`, mend: `set it: export ${name}=…` }
    )
  }
  try {
    return (await vault?.get(name))?.expose()
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    const isMissing = code === 'SPILLWAY_VAULT_UNKNOWN_SECRET' || code === 'SPILLWAY_VAULT_NO_VERSION'
    const mend = isMissing ? `add the key: ${howToAdd(config.vault, name)}` : 'see "spillway vault doctor"'
    return { problem: `${credential}: ${message}`, mend }
  }
}

interface Answer {
  readonly subject: string
  readonly where: string
  readonly status: number
  readonly credential: string | undefined
  readonly latency: number
  readonly hasKey: boolean
}

function judge({ subject, where, status, credential, latency, hasKey }: Answer): Finding {
  const answered = `${where} answers ${status} in ${latency} ms`
  const isRefused = status === 401 || status === 403 || status === 402
  if (isRefused && credential === 'caller') return ok(subject, `${answered}; callers bring their keys`)
  if (isRefused && !hasKey)
    return problem(subject, `${answered}: it wants a key`, 'set credential of the endpoint')
  if (status === 402)
    return problem(subject, `${answered}: ${credential} has no credit`, "add credit at the vendor's console")
  if (isRefused)
    return problem(
      subject,
      `${answered}: it refuses ${credential}`,
      'see at the vendor whether the key is right and not revoked; "spillway keys rotate" replaces one of the vault',
    )
  if (status === 404)
    return warning(
      subject,
      `${answered}: whether its key is good cannot be told`,
      'see whether url is the base URL, without /v1/messages or /chat/completions',
    )
  if (status >= 500) return warning(subject, `${answered}: it is in trouble`, "see the vendor's status page")
  if (status === 429) return ok(subject, `${answered}: it is busy, and knows the key`)
  return ok(subject, hasKey ? `${answered}; it takes ${credential}` : answered)
}

function skewOf(subject: string, date: string | null): Finding[] {
  const told = Date.parse(date ?? '')
  const skew = Date.now() - told
  if (!(Math.abs(skew) > allowedSkew)) return []
  const seconds = Math.round(Math.abs(skew) / 1000)
  const message = `this machine's clock is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} that of the server`
  return [warning(subject, message, 'set the clock, by NTP for instance')]
}

/** The models that an Ollama has; undefined where it does not say. */
async function modelsIn({ api }: TargetConfig, response: Response): Promise<readonly string[] | undefined> {
  if (api !== 'ollama' || !response.ok) {
    await response.body?.cancel()
    return undefined
  }
  const { models } = ((await response.json().catch(() => ({}))) ?? {}) as {
    models?: readonly { name?: string }[]
  }
  return Array.isArray(models) ? models.map(({ name = '' }) => name) : undefined
}

function missing(subject: string, { model }: TargetConfig, models: readonly string[] | undefined): Finding[] {
  if (models === undefined || model === undefined) return []
  if (models.some((each) => each === model || each === `${model}:latest`)) return []
  return [problem(subject, `it has no model ${model}`, `run: ollama pull ${model}`)]
}

function unreachable(subject: string, where: string, error: unknown): Finding {
  const code = codeOf(error)
  const what = `${where}: no answer (${code})`
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER')
    return problem(subject, what, 'this port speaks no TLS: begin url with http://')
  if (/CERT|TLS|SSL|SELF_SIGNED|ALTNAME/.test(code))
    return problem(
      subject,
      what,
      'the certificate is not trusted: name its authority in NODE_EXTRA_CA_CERTS, or mend the server',
    )
  if (code === 'ECONNREFUSED') {
    const isOwn = isInContainer() && isOnThisMachine(where)
    const hint =
      "; this is a container, whose own that address is: another's is its service's name, or host.docker.internal"
    return problem(subject, what, `start the server, or mend url${isOwn ? hint : ''}`)
  }
  return problem(subject, what, 'see whether a firewall or a proxy is in between, and whether url is right')
}

function codeOf(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause
  const code = (cause as { code?: unknown } | undefined)?.code ?? (error as { code?: unknown }).code
  if (typeof code === 'string') return code
  // Such as "bad port".
  if (cause instanceof Error) return cause.message
  return error instanceof Error ? error.name : 'unknown error'
}

function within<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(Object.assign(new Error('late'), { code: 'ETIMEDOUT' })),
    patience,
  )
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}

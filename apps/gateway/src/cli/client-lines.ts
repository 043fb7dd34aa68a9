import type { Config, TargetConfig } from '../config/config.ts'
import { adminMode } from '../operators/admin-mode.ts'
import { createRouter } from '../router.ts'
import { ownAuthority } from '../tls/own-authority.ts'
import { type VenueMode, venueSettings } from './venue-settings.ts'

/** Something to paste, and whom it is for. */
export interface ClientLine {
  readonly title: string
  readonly text: string
}

/** Models to ask for, the first that a route serves. */
const claudeModels = ['claude-sonnet-5-5', 'claude-opus-5-5', 'claude-haiku-5-5'] as const
const openaiModels = ['gpt-5', 'gpt-5-mini', 'gpt-4o'] as const

/** Where a target's own key is, by the habits of its clients. */
const keyVariables: Readonly<Partial<Record<TargetConfig['api'], string>>> = {
  anthropic: 'ANTHROPIC_API_KEY',
  openrouter: 'OPENROUTER_API_KEY',
  openai: 'OPENAI_API_KEY',
}

/** Clients insist on a key; a gateway that does not ask for one takes any. */
const anyKey = 'spillway'

/**
 * What to paste to reach a gateway: for Claude Code, Codex, curl and the SDKs, with a model that its routes serve. Where a route
 * passes on what callers present, that is the user's own key.
 * @param url of the gateway
 */
export function clientLines(config: Config, url: string): ClientLine[] {
  const here = reachable(url)
  const serves = modelOwner(config)
  const claude = modelFor(config, serves, claudeModels)
  const openai = modelFor(config, serves, openaiModels, claude)
  const json = JSON.stringify({
    model: claude,
    max_tokens: 64,
    messages: [{ role: 'user', content: 'Are you there?' }],
  })
  const own = ownKey(config, serves(claude))
  const openaiOwn = ownKey(config, serves(openai))
  const authority = ownAuthority(config.server.tls)
  return [
    adminMode(config.server) === 'login'
      ? { title: `Dashboard; "spillway dashboard" prints a link that logs in`, text: `${here}/` }
      : { title: 'Dashboard', text: `${here}/` },
    {
      title: `Claude Code${own === 'ANTHROPIC_API_KEY' ? ', with your own login or key' : ''}`,
      text: [...claudeCodeSettings(config, url).map(assignment), 'claude'].join(' '),
    },
    {
      title: `Codex, for model ${claude}; what -c sets may be in ~/.codex/config.toml`,
      text: codexCommand(`${here}/v1`, claude, own),
    },
    {
      title: 'curl',
      text: [
        `curl -s${authority === undefined ? '' : ` --cacert ${shellText(authority)}`} ${here}/v1/messages`,
        ...(own === undefined ? [] : [`-H ${keyHeader(own)}`]),
        `-H 'content-type: application/json' -d ${shellText(json)}`,
      ].join(' '),
    },
    {
      title: `@anthropic-ai/sdk, for model ${claude}`,
      text: `const anthropic = new Anthropic({ baseURL: '${here}', apiKey: ${scriptKey(own)} })`,
    },
    {
      title: `openai, for model ${openai}`,
      text: `const openai = new OpenAI({ baseURL: '${here}/v1', apiKey: ${scriptKey(openaiOwn)} })`,
    },
    {
      title: `anthropic for Python, for model ${claude}`,
      text: `client = Anthropic(base_url="${here}", api_key=${pythonKey(own)})`,
    },
  ]
}

/** Codex reads its providers from its configuration, in TOML, and a key from a variable that is named there. */
function codexCommand(baseUrl: string, model: string, own: string | undefined): string {
  const name = own ?? 'SPILLWAY_KEY'
  const provider = { name: 'Spillway', base_url: baseUrl, env_key: name, wire_api: 'responses' }
  const table = Object.entries(provider).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return [
    ...(own === undefined ? [`${name}=${anyKey}`] : []),
    'codex',
    `-c model_provider=spillway -c ${shellText(`model_providers.spillway={${table.join(', ')}}`)}`,
    `-m ${shellText(model)}`,
  ].join(' ')
}

/** The lines as they are shown. */
export function showClientLines(lines: readonly ClientLine[]): string {
  return lines.map(({ title, text }) => `${title}:\n  ${text}`).join('\n')
}

/** Which route serves a model, by its number; undefined where none does. */
type Serves = (model: string) => number | undefined

function modelOwner({ routes }: Config): Serves {
  const owners = routes.map(({ models }) => createRouter([{ models, handler: () => Promise.reject() }]))
  return (model) => {
    const index = owners.findIndex((router) => 'handler' in router(model))
    return index === -1 ? undefined : index
  }
}

/** The first of the usual models that a route serves, else the one given, else what the first route is for. */
function modelFor({ routes }: Config, serves: Serves, usual: readonly string[], otherwise?: string): string {
  const meant = usual.find((model) => {
    const route = serves(model)
    // A route for everything is for no vendor's models in particular.
    return route !== undefined && (otherwise === undefined || routes[route]?.models !== '*')
  })
  return meant ?? otherwise ?? (routes[0]?.models ?? '').replaceAll('*', '')
}

/** The variable with the key that the caller has to bring; undefined where any will do. */
function ownKey({ routes, targets, server }: Config, route: number | undefined): string | undefined {
  if (server.auth === 'keys') return 'SPILLWAY_KEY'
  const target = targets[routes[route ?? -1]?.target ?? '']
  const isCaller = target?.endpoints?.some(({ credential }) => credential === 'caller')
  return isCaller ? keyVariables[target?.api as TargetConfig['api']] : undefined
}

/** A variable of the environment: what it holds, or which other one holds it. */
export interface Setting {
  readonly name: string
  readonly value?: string
  readonly variable?: string
}

/**
 * What Claude Code needs in its environment, the address first. It finds its own login and ANTHROPIC_API_KEY by itself.
 * @param venue the cloud whose wire it is to speak; it presents no credential then
 */
export function claudeCodeSettings(config: Config, url: string, venue?: VenueMode): readonly Setting[] {
  const serves = modelOwner(config)
  const model = modelFor(config, serves, claudeModels)
  const own = ownKey(config, serves(model))
  const token = own === undefined ? { value: anyKey } : { variable: own }
  const address =
    venue === undefined
      ? [
          { name: 'ANTHROPIC_BASE_URL', value: reachable(url) },
          ...(own === 'ANTHROPIC_API_KEY' ? [] : [{ name: 'ANTHROPIC_AUTH_TOKEN', ...token }]),
        ]
      : venueSettings(venue, reachable(url))
  const authority = url.startsWith('https:') ? ownAuthority(config.server.tls) : undefined
  return [
    ...address,
    ...(authority === undefined ? [] : [{ name: 'NODE_EXTRA_CA_CERTS', value: authority }]),
    // It chooses its models itself, unless these name one.
    ...(claudeModels.every((each) => serves(each) !== undefined)
      ? []
      : ['ANTHROPIC_MODEL', 'ANTHROPIC_DEFAULT_HAIKU_MODEL'].map((name) => ({ name, value: model }))),
  ]
}

const assignment = ({ name, value, variable }: Setting): string =>
  `${name}=${variable === undefined ? shellText(value ?? '') : `"$${variable}"`}`

/** Where this machine reaches a gateway that listens on all of its addresses. */
const reachable = (url: string): string =>
  url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')

const keyHeader = (own: string): string =>
  own === 'ANTHROPIC_API_KEY' ? `"x-api-key: $${own}"` : `"authorization: Bearer $${own}"`

const scriptKey = (own: string | undefined): string =>
  own === undefined ? `'${anyKey}'` : `process.env.${own}`

const pythonKey = (own: string | undefined): string =>
  own === undefined ? `"${anyKey}"` : `os.environ["${own}"]`

/** For a shell: words of harmless characters stay as they are. */
export function shellText(text: string): string {
  return /^[\w.:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

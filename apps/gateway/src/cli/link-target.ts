import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'
import { tiers } from './tiers.ts'
import type { VaultFiles } from './vault-files.ts'
import { publicUrls, type VerifyPlace } from './verify-place.ts'

export interface TargetLink extends VaultFiles {
  /** Where the key has been found good; undefined: at Anthropic. */
  readonly place: VerifyPlace | undefined
  /** An address that replaces the target's. */
  readonly url?: string
  readonly tier?: keyof typeof tiers
  readonly model?: string
  /** The models that the target is to serve first. */
  readonly route?: string
}

/** A configuration with a target in it. */
export interface Linked {
  readonly text: string
  /** The route that was made or has got the target as its last fallback; undefined where none was changed. */
  readonly route?: { readonly models: string; readonly path: readonly string[] }
  /** Whether any route uses the target. */
  readonly isServed: boolean
}

/**
 * The configuration with a key's target, keeping what people wrote into it. A target that is there keeps everything but what
 * this link names. One that no route uses becomes the last fallback of the route for all models.
 */
export function linkTarget(text: string, name: string, link: TargetLink): Linked {
  const document = parseDocument(text)
  if (document.contents === null) document.contents = document.createNode({}) as never
  if (!document.has('vault')) document.set('vault', document.createNode(vaultOf(link)))
  setTarget(document, name, link)
  const route = setRoute(document, name, link.route)
  return {
    text: document.toString(),
    isServed: route !== undefined || isUsed(document, name),
    ...(route && { route }),
  }
}

function vaultOf({ vault, keyFile, passphrase }: VaultFiles): object {
  return { file: vault, keyFile, ...(passphrase && { kind: 'passphrase' }) }
}

function setTarget(document: Document, name: string, { place, url: wanted, tier, model }: TargetLink): void {
  const { provider = 'anthropic', url } = place ?? {}
  const credential = `vault:${name}`
  const target = document.getIn(['targets', name], true)
  const set = (key: string, value: unknown): void =>
    document.setIn(['targets', name, key], document.createNode(value))
  const isThere = isMap(target) && target.get('api') === provider
  const endpoints = isThere
    ? (document.getIn(['targets', name, 'endpoints']) as YAMLSeq | undefined)
    : undefined
  const isConnected =
    isSeq(endpoints) &&
    endpoints.items.some(
      (each) =>
        isMap(each) &&
        each.get('credential') === credential &&
        (wanted === undefined || each.get('url') === wanted),
    )
  if (!isThere) document.setIn(['targets', name], document.createNode({ api: provider }))
  if (!isConnected) set('endpoints', [{ url: url ?? publicUrls[provider], credential }])
  if (model !== undefined) set('model', model)
  if (tier !== undefined) set('rateLimit', tiers[tier])
}

function setRoute(document: Document, name: string, models: string | undefined): Linked['route'] {
  if (!document.has('routes')) document.set('routes', document.createNode([]))
  const routes = document.get('routes') as YAMLSeq
  if (models !== undefined) return addRoute(document, routes, name, models)
  if (isUsed(document, name)) return undefined
  if (routes.items.length === 0) return addRoute(document, routes, name, '*')
  const forAll = routes.items.find((each): each is YAMLMap => isMap(each) && each.get('models') === '*')
  if (forAll === undefined) return undefined
  const fallback = [...namesIn(forAll), name]
  forAll.set('fallback', document.createNode(fallback, { flow: true }))
  return { models: '*', path: [String(forAll.get('target')), ...fallback] }
}

/** In front of the others: the first route that matches serves a call. */
function addRoute(document: Document, routes: YAMLSeq, name: string, models: string): Linked['route'] {
  const same = routes.items.find((each): each is YAMLMap => isMap(each) && each.get('models') === models)
  const before = same === undefined ? [] : [String(same.get('target')), ...namesIn(same)]
  const fallback = before.filter((each) => each !== name)
  const settings = { models, target: name, ...(fallback.length > 0 && { fallback }) }
  if (same !== undefined) routes.items.splice(routes.items.indexOf(same), 1)
  routes.items.unshift(document.createNode(settings))
  return { models, path: [name, ...fallback] }
}

function namesIn(route: YAMLMap): string[] {
  const fallback = route.get('fallback')
  return isSeq(fallback) ? (fallback.toJSON() as string[]) : []
}

function isUsed(document: Document, name: string): boolean {
  const routes = document.get('routes')
  if (!isSeq(routes)) return false
  return routes.items.some(
    (each) => isMap(each) && (each.get('target') === name || namesIn(each).includes(name)),
  )
}

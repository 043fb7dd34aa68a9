import { fieldOf, type JsonBody, omitField, withItems, withObject } from '@spillway/middleware/kit'
import type { Loss } from '@spillway/translation'
import { patchedBody } from '../forms/patched-body.ts'

/** What a venue does not take of a first-party call, as its documents say. */
export interface NotTaken {
  /** Fields, as `a` or `a.b`, without which the answer would be another one: such a call is for another venue. */
  readonly fields?: readonly string[]
  /** Fields that are hints or keep things in order: left out and told. */
  readonly hints?: readonly string[]
  /** Tools that Anthropic's servers run, by the beginnings of their types. */
  readonly serverTools?: readonly string[]
  /** Where images and documents cannot come from. */
  readonly sources?: readonly ('url' | 'file')[]
}

/** What is lost with each field that may be left out. */
const losses: Readonly<Record<string, Loss>> = {
  metadata: 'metadata',
  user_profile_id: 'metadata',
  service_tier: 'service_tier',
  speed: 'service_tier',
  context_management: 'betas',
  fallbacks: 'fallbacks',
  cache_control: 'cache_control',
  'output_config.effort': 'effort',
  'thinking.display': 'thinking',
}

/** Fields of tools that are hints. */
const hintOfTool = /^tools\.(?:\d+|\*)\.(?:custom\.)?(eager_input_streaming|input_examples)$/

/** Who shares a part of the prompt cache: Claude Code says it of its instructions and tools. */
const cacheScope = /^(?:system|tools|messages)\.\d+\.(?:[\w.]+\.)?cache_control\.(?:ephemeral\.)?scope$/
const everyCacheScope = '*.cache_control.scope'

/** What is lost without a field that a venue refuses; undefined for one without which the answer would be another. */
export function lossOf(path: string): Loss | undefined {
  if (hintOfTool.test(path)) return 'betas'
  if (path === everyCacheScope || cacheScope.test(path)) return 'cache_control'
  return Object.hasOwn(losses, path) ? losses[path] : undefined
}

/** The same path for each item that has the field. */
export function pathForAll(path: string): string {
  return cacheScope.test(path) ? everyCacheScope : path.replace(hintOfTool, 'tools.*.$1')
}

/** Whether a path names one item of a list: of other calls it says nothing. */
export function isOfOneItem(path: string): boolean {
  return /\.\d+(?:\.|$)/.test(path)
}

/** The same body without a field; the very same where it has none. */
export function withoutPath(body: JsonBody, path: string): JsonBody {
  if (path === everyCacheScope) return withoutCacheScopes(body)
  const [field = '', inner, last] = path.split('.')
  if (last !== undefined) return withItems(body, field, (tool) => omitField(tool, last), [last])
  return inner === undefined
    ? omitField(body, field)
    : withObject(body, field, (object) => omitField(object, inner))
}

function withoutCacheScopes(body: JsonBody): JsonBody {
  const unscoped = (block: JsonBody): JsonBody =>
    withObject(block, 'cache_control', (control) => omitField(control, 'scope'))
  const word = ['"scope"']
  const ofBlocks = (object: JsonBody, name: string): JsonBody => withItems(object, name, unscoped, word)
  const ofMessage = (message: JsonBody): JsonBody => ofBlocks(message, 'content')
  return withItems(ofBlocks(ofBlocks(body, 'system'), 'tools'), 'messages', ofMessage, word)
}

/** The same body without fields of the top, which are left out at once. */
export function omitFields(body: JsonBody, names: readonly string[]): JsonBody {
  const there = names.filter((name) => body.fields?.has(name))
  return there.length === 0
    ? body
    : patchedBody(body, Object.fromEntries(there.map((name) => [name, undefined])))
}

/** Why a body can only be answered elsewhere; undefined where nothing says so. @throws SyntaxError */
export function whyElsewhere(body: JsonBody, notTaken: NotTaken): string | undefined {
  const { fields = [], serverTools = [], sources = [] } = notTaken
  const field = fields.find((path) => saysSomething(body, path))
  if (field !== undefined) return `\`${field}\``
  const tool = serverTools.length === 0 ? undefined : serverToolIn(body, serverTools)
  if (tool !== undefined) return `the tool \`${tool}\``
  const source = sources.find((type) => hasSource(body, type))
  return source && `${source === 'url' ? 'images and documents by their URL' : 'uploaded files'}`
}

/** Whether a field has a value that asks for something: `null`, `[]` and the world as a place do not. */
export function saysSomething(body: JsonBody, path: string): boolean {
  const [field = '', inner] = path.split('.')
  if (body.fields !== undefined && !body.fields.has(field)) return false
  const outer = fieldOf(body, field)
  const value = inner === undefined ? outer : isObject(outer) ? outer[inner] : undefined
  if (value == null || (Array.isArray(value) && value.length === 0)) return false
  return !(path === 'inference_geo' && value === 'global')
}

function serverToolIn(body: JsonBody, beginnings: readonly string[]): string | undefined {
  if (!hasWord(body, 'tools', beginnings)) return undefined
  const tools = fieldOf(body, 'tools')
  const types = Array.isArray(tools) ? tools.map((tool) => (isObject(tool) ? tool.type : undefined)) : []
  return types.find(
    (type): type is string => typeof type === 'string' && beginnings.some((each) => type.startsWith(each)),
  )
}

/** Nearly no body has such a source, and only one that may have is parsed. */
function hasSource(body: JsonBody, type: 'url' | 'file'): boolean {
  const words = type === 'file' ? ['"file_id"'] : [':"url"', ': "url"']
  if (!hasWord(body, 'messages', words)) return false
  return sourceIn(fieldOf(body, 'messages'), type)
}

function sourceIn(value: unknown, type: string): boolean {
  if (Array.isArray(value)) return value.some((each) => sourceIn(each, type))
  if (!isObject(value)) return false
  if (isObject(value.source) && value.source.type === type) return true
  return 'content' in value && sourceIn(value.content, type)
}

function hasWord({ bytes, fields }: JsonBody, field: string, words: readonly string[]): boolean {
  if (fields === undefined) return true
  const [start, end] = fields.get(field) ?? [0, 0]
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
  return words.some((word) => text.includes(word))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

import { fieldOf, type JsonBody } from '@spillway/middleware/kit'
import { sightingsIn } from '@spillway/wire/internal'
import type { Permission } from './permissions.ts'

/** Something that a call asks for beside text, and what it is called in errors. */
export interface AskedFeature {
  readonly permission: Permission
  readonly what: string
}

const toolKinds: readonly (readonly [kind: RegExp, permission: Permission, what: string])[] = [
  // What Claude and OpenAI's models are trained to use, and the client runs.
  [/^(?:custom|function|namespace|apply_patch|local_shell)$/, 'tools:client', 'tools'],
  [/^(?:bash|text_editor|computer|memory)_\d{8}$/, 'tools:client', 'tools'],
  [/^computer(?:_use)?(?:_preview)?$/, 'tools:client', 'tools'],
  // These only find a tool among those that are there.
  [/^tool_search(?:_tool_\w+)?$/, 'tools:client', 'tools'],
  [/^(?:openrouter:)?web_(?:search|fetch)/, 'tools:web', 'web search and web fetch'],
  [/^(?:code_execution|code_interpreter|shell)/, 'tools:code', 'code execution'],
  [/^mcp/, 'tools:mcp', 'MCP servers'],
]

/** The kinds of tools that a call brings: by a vendor's unknown type they are the vendor's. */
export function toolsAsked(body: JsonBody): readonly AskedFeature[] {
  const found = new Map<Permission, AskedFeature>()
  const add = (permission: Permission, what: string): void => {
    if (!found.has(permission)) found.set(permission, { permission, what })
  }
  const visit = (tools: unknown, depth: number): void => {
    for (const tool of [tools].flat()) {
      if (typeof tool !== 'object' || tool === null) {
        if (tool !== undefined && tool !== null) add('tools:client', 'tools')
        continue
      }
      const {
        type,
        tools: inside,
        server_url: url,
        connector_id: connector,
      } = tool as Record<string, unknown>
      const kind = typeof type === 'string' ? type : 'custom'
      const known = toolKinds.find(([pattern]) => pattern.test(kind))
      add(known?.[1] ?? 'tools:hosted', known?.[2] ?? `the tool ${kind.slice(0, 64)}`)
      if (url !== undefined || connector !== undefined) add('tools:mcp', 'MCP servers')
      if (Array.isArray(inside) && depth < 4) visit(inside, depth + 1)
    }
  }
  const sighted = sightingsIn(body)?.tools
  if (sighted === 'plain') add('tools:client', 'tools')
  else if (sighted !== 'none') visit(fieldOf(body, 'tools'), 0)
  if (isGiven(body, 'functions')) add('tools:client', 'tools')
  if (isGiven(body, 'mcp_servers')) add('tools:mcp', 'MCP servers')
  // Skills run in a container, too.
  if (isGiven(body, 'container')) add('tools:code', 'containers')
  if (isGiven(body, 'web_search_options')) add('tools:web', 'web search')
  // A stored prompt brings the tools that it was stored with.
  if (isGiven(body, 'prompt')) for (const permission of storedTools) add(permission, 'stored prompts')
  pluginsIn(fieldOf(body, 'plugins'), add)
  return [...found.values()]
}

const storedTools = ['tools:client', 'tools:web', 'tools:code', 'tools:mcp', 'tools:hosted'] as const

/** OpenRouter's. */
function pluginsIn(plugins: unknown, add: (permission: Permission, what: string) => void): void {
  for (const plugin of [plugins].flat()) {
    if (plugin === undefined || plugin === null) continue
    const { id, enabled } = typeof plugin === 'object' ? (plugin as Record<string, unknown>) : {}
    if (enabled === false) continue
    if (id === 'web') add('tools:web', 'web search')
    else if (id === 'file-parser') add('documents', 'documents')
    else if (id !== 'response-healing' && id !== 'context-compression') add('tools:hosted', 'plugins')
  }
}

/** OpenRouter's name of a model that searches the web first. */
export const searchesWeb = (model: string): boolean => /:online$/i.test(model)

/** Which of images and documents a call brings. Takes parsing it where something of that kind was sighted. */
export function mediaAsked(body: JsonBody): readonly AskedFeature[] {
  const sightings = sightingsIn(body)
  if (sightings !== undefined && !sightings.media && !sightings.kinds.some(isMedia)) return []
  const { json } = body
  const found = new Map<Permission, AskedFeature>()
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const each of value) visit(each)
      return
    }
    if (typeof value !== 'object' || value === null) return
    const block = value as Record<string, unknown>
    const { type } = block
    const kind = typeof type === 'string' ? type : ''
    if (seenKinds.test(kind) || isSome(block, seen))
      found.set('images', { permission: 'images', what: 'images, sound and video' })
    else if (fileKinds.test(kind) || isSome(block, files)) found.set(...document)
    // What a model has said to a tool is text to the vendor.
    for (const [name, inner] of Object.entries(block))
      if (!(name === 'input' && /(?:^|_)tool_use$/.test(kind)) && typeof inner === 'object') visit(inner)
  }
  for (const field of ['messages', 'input', 'system']) if (Object.hasOwn(json, field)) visit(json[field])
  return [...found.values()]
}

const seenKinds = /image|audio|video|screenshot/
const fileKinds = /document|file|upload/
const isMedia = (kind: string): boolean => seenKinds.test(kind) || fileKinds.test(kind)
const document = ['documents', { permission: 'documents', what: 'documents' }] as const
const seen = ['image_url', 'images', 'input_audio', 'video_url']
const files = ['file_id', 'file_data', 'file_url']

const isSome = (block: Readonly<Record<string, unknown>>, names: readonly string[]): boolean =>
  names.some((name) => block[name] !== undefined && block[name] !== null)

function isGiven(body: JsonBody, name: string): boolean {
  const value = fieldOf(body, name)
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
}

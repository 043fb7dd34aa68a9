/** What is checked, each by itself. A name that is given to a client is one of these, or a set of them. */
export type Permission =
  | 'call:messages'
  | 'call:count_tokens'
  | 'call:chat'
  | 'call:responses'
  | 'models'
  | 'images'
  | 'documents'
  | 'tools:client'
  | 'tools:web'
  | 'tools:code'
  | 'tools:mcp'
  | 'tools:hosted'
  | 'batches'
  | 'files'
  | 'priority'
  | 'metrics'
  | 'admin:read'
  | 'admin:write'
  | 'admin:content'

/** What a client may do, each by itself. */
export const permissions: Readonly<Record<Permission, string>> = {
  'call:messages': 'text in the Messages API and its forms at Bedrock, Vertex AI and Foundry',
  'call:count_tokens': 'counting the tokens of a call',
  'call:chat': 'text in chat completions',
  'call:responses': 'text in the Responses API',
  models: 'the list of models',
  images: 'images, sound and video in calls',
  documents: 'PDFs and other files in calls',
  'tools:client': 'tools that the client runs itself',
  'tools:web': 'web search and web fetch of the vendor',
  'tools:code': "the vendor's code execution, in containers",
  'tools:mcp': 'MCP servers that the vendor connects to, and connectors',
  'tools:hosted': 'all other tools of the vendor',
  batches: 'message batches, whose content is not limited by permissions, models and maxTokens',
  files: 'uploading, reading and deleting files',
  priority: 'calls that are more important than its others, by x-spillway-priority',
  metrics: 'reading /metrics',
  'admin:read': 'the dashboard, and reading /api',
  'admin:write': 'what changes something at /api: clients, budgets, limits that are opened by hand',
  'admin:content': 'prompts and answers of calls, where telemetry.captureContent is on',
}

const media = ['images', 'documents'] as const
const messages = ['call:messages', 'call:count_tokens', 'models', ...media] as const
const tools = ['tools:client', 'tools:web', 'tools:code', 'tools:mcp', 'tools:hosted'] as const

/** Several under one name. Documents of clients hold these names, so a set never loses what it has allowed. */
export const permissionSets: Readonly<Record<string, readonly Permission[]>> = {
  messages,
  chat: [...messages, 'call:chat', 'call:responses'],
  tools,
  'claude:code': [...messages, ...tools],
  admin: ['admin:read', 'admin:write', 'admin:content', 'metrics'],
}

/** What the sets are, for people. */
export const setDescriptions: Readonly<Record<string, string>> = {
  messages:
    'calls in the Messages API, with images and documents, counting their tokens, and the list of models',
  chat: 'the same in all protocols: Messages, chat completions, Responses',
  tools: 'calls that bring tools of any kind',
  'claude:code': 'messages and tools: what Claude Code needs',
  admin: 'the three of admin: and metrics: what an operator needs',
}

/** What a client gets where nothing is said. */
export const usualPermissions: readonly string[] = ['chat', 'tools']

/** All names that can be given. */
export const permissionNames: readonly string[] = [
  ...Object.keys(permissionSets),
  ...Object.keys(permissions),
]

/** The permissions that names mean; those that are not known, written by a newer version, allow nothing. */
export function permissionsOf(names: readonly string[]): ReadonlySet<Permission> {
  const all = names.flatMap((name): readonly string[] =>
    Object.hasOwn(permissionSets, name) ? (permissionSets[name] ?? []) : [name],
  )
  const known = new Set(all.filter((name): name is Permission => Object.hasOwn(permissions, name)))
  // Whoever made batches or files could always ask which models there are.
  if (known.has('batches') || known.has('files')) known.add('models')
  return known
}

export type Permission =
  | 'messages'
  | 'chat'
  | 'tools'
  | 'batches'
  | 'files'
  | 'priority'
  | 'metrics'
  | 'admin:read'
  | 'admin:write'
  | 'admin:content'

/** What a client may do, each by itself. */
export const permissions: Readonly<Record<Permission, string>> = {
  messages:
    'calls in the Messages API and its forms at Bedrock, Vertex AI and Foundry, and counting their tokens',
  chat: 'calls in all protocols: Messages, chat completions, Responses, and counting their tokens',
  tools: 'calls that bring tools',
  batches: 'message batches, which are not limited by models and maxTokens',
  files: 'uploading, reading and deleting files',
  priority: 'calls that are more important than its others, by x-spillway-priority',
  metrics: 'reading /metrics',
  'admin:read': 'the dashboard, and reading /api',
  'admin:write': 'what changes something at /api: clients, budgets, limits that are opened by hand',
  'admin:content': 'prompts and answers of calls, where telemetry.captureContent is on',
}

/** Several under one name. */
export const permissionSets: Readonly<Record<string, readonly Permission[]>> = {
  'claude:code': ['messages', 'tools'],
  admin: ['admin:read', 'admin:write', 'admin:content', 'metrics'],
}

/** What a client gets where nothing is said. */
export const usualPermissions: readonly string[] = ['chat', 'tools']

/** All names that can be given. */
export const permissionNames: readonly string[] = [
  ...Object.keys(permissions),
  ...Object.keys(permissionSets),
]

/** The permissions that names mean; those that are not known, written by a newer version, allow nothing. */
export function permissionsOf(names: readonly string[]): ReadonlySet<Permission> {
  const all = names.flatMap((name): readonly string[] =>
    Object.hasOwn(permissionSets, name) ? (permissionSets[name] ?? []) : [name],
  )
  return new Set(all.filter((name): name is Permission => Object.hasOwn(permissions, name)))
}

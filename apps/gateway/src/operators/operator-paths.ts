import type { Permission } from '../clients/permissions.ts'

/** Where operators log in, and ask whether they are, and where they log out. */
export const loginPaths = { login: '/api/login', logout: '/api/logout' } as const

const ofLogin: ReadonlySet<string> = new Set(Object.values(loginPaths))

/** Below `/api`, but asked with the key of a client: by Claude Code, and by SDKs whose base URL has a part too many. */
const ofClients = /^\/api\/(?:oauth|v1)\//

const content = /^\/api\/calls\/[^/]+\/content$/

/**
 * What a path of the operator needs: a permission, `nothing` for the login itself and for the files of the pages, which hold nothing of
 * this gateway. Undefined for all other paths.
 * @param path without the query, exactly as it is dispatched by
 */
export function neededAt(path: string, method = 'GET'): Permission | 'nothing' | undefined {
  if (path === '/metrics') return 'metrics'
  if (path === '/' || path.startsWith('/assets/') || ofLogin.has(path)) return 'nothing'
  if ((path !== '/api' && !path.startsWith('/api/')) || ofClients.test(path)) return undefined
  if (method !== 'GET' && method !== 'HEAD') return 'admin:write'
  return content.test(path) ? 'admin:content' : 'admin:read'
}

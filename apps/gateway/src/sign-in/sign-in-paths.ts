/** Where Claude Code asks for the settings that its users cannot change. */
export const settingsPath = '/managed/settings'

/** Where people sign in, with Claude Code and at the dashboard. */
export const signInPaths = {
  discovery: '/.well-known/oauth-authorization-server',
  protocol: '/protocol',
  deviceAuthorization: '/oauth/device_authorization',
  token: '/oauth/token',
  revocation: '/oauth/revoke',
  device: '/device',
  confirm: '/device/confirm',
  login: '/login/oidc',
  callback: '/login/oidc/callback',
} as const

const known: ReadonlySet<string> = new Set(Object.values(signInPaths))

export const isOfSignIn = (path: string): boolean => known.has(path)

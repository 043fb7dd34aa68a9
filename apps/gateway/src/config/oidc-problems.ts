import { isReachable } from '../access/exposure.ts'
import type { Config } from './config.ts'
import type { ConfigProblem } from './config-error.ts'

type Locate = (path: readonly PropertyKey[], message: string) => ConfigProblem

/** What of `server.oidc` does not go together with the rest of the file. */
export function problemsOfOidc({ server, vault }: Config, at: Locate): ConfigProblem[] {
  const { oidc, auth, host } = server
  if (oidc === undefined) return []
  const problems: ConfigProblem[] = []
  if (auth !== 'keys')
    problems.push(
      at(
        ['server', 'oidc'],
        'tokens are not checked while server.auth is none: set server.auth: keys, which accepts keys of clients and tokens',
      ),
    )
  if (oidc.clientSecret?.startsWith('vault:') && vault === undefined)
    problems.push(
      at(
        ['server', 'oidc', 'clientSecret'],
        'vault:NAME needs to know the vault: add vault: { file: vault.age, keyFile: vault.key }, or use env:NAME',
      ),
    )
  if (oidc.clientId !== undefined && oidc.publicUrl === undefined && isReachable(host))
    problems.push(
      at(
        ['server', 'oidc', 'publicUrl'],
        'is missing: people who log in come back from the identity provider to this URL, such as https://gateway.example.com',
      ),
    )
  return problems
}

/** What its owner should know of `server.oidc`. */
export function warningsOfOidc({ server: { oidc } }: Config, at: Locate): ConfigProblem[] {
  if (oidc === undefined) return []
  const warnings: ConfigProblem[] = []
  const { clientSecret, issuer, everyone, requiredClaims } = oidc
  const variable = clientSecret?.startsWith('env:') ? clientSecret.slice('env:'.length) : undefined
  if (variable !== undefined && !process.env[variable]?.trim())
    warnings.push({
      ...at(
        ['server', 'oidc', 'clientSecret'],
        `the environment variable ${variable} is not set: the gateway does not start so`,
      ),
      stopsStart: true,
    })
  if (issuer === 'https://accounts.google.com' && everyone !== undefined && requiredClaims?.hd === undefined)
    warnings.push(
      at(
        ['server', 'oidc', 'everyone'],
        'everyone is anyone with a Google account, unless the application is internal to your organization: add requiredClaims: { hd: YOUR-DOMAIN }',
      ),
    )
  return warnings
}

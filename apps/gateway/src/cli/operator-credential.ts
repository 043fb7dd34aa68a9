import { openClientHash } from '../clients/open-clients.ts'
import type { Config } from '../config/config.ts'
import { defaultStateFolder } from '../fingerprints/key-file.ts'
import { adminMode } from '../operators/admin-mode.ts'
import { newLoginCode } from '../operators/login-code.ts'
import { admin } from './admin.ts'
import { askGateway } from './ask-gateway.ts'

/** A code with which the user of this machine logs in once; undefined where no login is asked for. */
export async function loginCodeFor(config: Config): Promise<string | undefined> {
  if (adminMode(config.server) === 'open') return undefined
  const configured = config.server.fingerprintKey
  const vault =
    configured?.startsWith('vault:') && config.vault
      ? (await import('../vault.ts')).openConfiguredVault(config.vault)
      : undefined
  try {
    const hash = await openClientHash({
      configured,
      vault,
      stateFolder: defaultStateFolder(),
      log: console.error,
    })
    return newLoginCode(hash, admin(), Date.now())
  } catch (error) {
    throw Object.assign(error as Error, { isForPeople: true })
  } finally {
    await vault?.close()
  }
}

/**
 * Headers with which a command asks a gateway as its operator: those of SPILLWAY_KEY, else of a session that a code opens.
 * @param config of the gateway at `url`; undefined where it may be another one, which must not get a code
 */
export async function operatorHeaders(
  url: string,
  config: Config | undefined,
): Promise<Record<string, string>> {
  const { SPILLWAY_KEY: key } = process.env
  if (key) return { authorization: `Bearer ${key}` }
  const code = config && (await loginCodeFor(config).catch(() => undefined))
  if (code === undefined) return {}
  const said = await askGateway(url, '/api/login', config?.server.tls, { method: 'POST', body: { code } })
  return said?.cookie === undefined ? {} : { cookie: said.cookie }
}

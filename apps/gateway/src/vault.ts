import {
  ageFile,
  ageIdentity,
  agePassphrase,
  KeyVaultError,
  keychain,
  kmsDirect,
  kmsEnvelope,
  openVault,
  type SealedFile,
  type Sealer,
  sealedFile,
  transit,
  type Vault,
  type VaultEvent,
} from '@spillway/key-vault'
import { readKeyFile } from '@spillway/key-vault/internal'
import type { VaultConfig } from './config/config.ts'
import { omitUndefined } from './config/omit-undefined.ts'
import { agentThrough, fetchThrough } from './config/other-servers.ts'

/** The vault of a configuration. Nothing is read before the first call. */
export function openConfiguredVault(config: VaultConfig, onEvent?: (event: VaultEvent) => void): Vault {
  const { keepFor: cacheFor, ...times } = config.cache ?? {}
  const { environment } = config
  return openVault({
    driver: vaultDriver(config),
    ...omitUndefined({ cacheFor, ...times, environment }),
    ...(onEvent && { onEvent }),
  })
}

/** The file of a configured vault, with what opens it. Variables are read when it is opened. */
export function vaultDriver(config: VaultConfig): SealedFile {
  const { file: path, keyFile, kind, workFactor } = config
  const bound = omitUndefined({ context: config.context })
  if (keyFile === undefined) return sealedFile({ path, sealer: sealerOf(config), ...bound })
  return ageFile({
    ...{ path, keyFile, kind: kind === 'passphrase' ? 'passphrase' : 'identity' },
    ...omitUndefined({ workFactor }),
    ...bound,
  })
}

function sealerOf(config: VaultConfig): Sealer {
  const { kind, requestTimeout, proxy } = config
  const key = config.key as string
  switch (kind) {
    case 'age':
      return ageIdentity({ read: async () => [variable(config.identity as string, 'vault.identity')] })
    case 'passphrase': {
      const passphrase = async (): Promise<string> =>
        variable(config.passphrase as string, 'vault.passphrase')
      return agePassphrase({ passphrase, ...omitUndefined({ workFactor: config.workFactor }) })
    }
    case 'kms': {
      const { region, endpoint, direct } = config
      const agent = agentThrough(proxy, 'vault')
      const options = { keyId: key, ...omitUndefined({ region, endpoint, requestTimeout, agent }) }
      return direct ? kmsDirect(options) : kmsEnvelope(options)
    }
    case 'transit': {
      const { url, mount, namespace } = config
      const token = (): Promise<string> => tokenOf(config.token as string)
      const optional = omitUndefined({ mount, namespace, requestTimeout })
      const fetch = fetchThrough(proxy, requestTimeout)
      return transit({ url: url as string, key, token, fetch, ...optional })
    }
    case 'keychain': {
      const { service, account } = config
      return keychain(omitUndefined({ service, account }))
    }
  }
}

async function tokenOf(reference: string): Promise<string> {
  if (reference.startsWith('env:')) return variable(reference, 'vault.token')
  return (await readKeyFile(reference.slice('file:'.length), 'the token file'))[0].trim()
}

function variable(reference: string, where: string): string {
  const name = reference.slice('env:'.length)
  const value = process.env[name]?.trim()
  if (value) return value
  throw new KeyVaultError('MISSING', `${where}: the environment variable ${name} is not set`)
}

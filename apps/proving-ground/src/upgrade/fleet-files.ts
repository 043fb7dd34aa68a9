import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface FleetFiles {
  /** A configuration file for each gateway. */
  readonly configs: readonly string[]
  /** The first one with a database that is away: what it books waits in its journal. */
  readonly withoutDatabase: string
  readonly vault: readonly string[]
}

export interface FleetSettings {
  readonly folder: string
  readonly gateways: number
  readonly upstream: string
  readonly broken: string
  readonly redis: string
  readonly database: string
  /** At which nothing listens. */
  readonly noDatabase: string
}

/** Calls of the target `limited` in a minute, of all gateways together. */
export const limitedCalls = 40

/** Writes what gateways that share everything are configured with. */
export function writeFleet(settings: FleetSettings): FleetFiles {
  const { folder } = settings
  const at = (name: string): string => join(folder, name)
  const target = (url: string, more: object = {}): object => ({
    api: 'anthropic',
    endpoints: [{ url, credential: 'vault:claude' }],
    ...more,
  })
  const write = (name: string, journal: string, url: string): string => {
    mkdirSync(at(journal), { recursive: true })
    const config = {
      server: {
        ...{ auth: 'keys', fingerprintKey: 'env:UPGRADE_FINGERPRINT_KEY' },
        ...{ clientsFile: at('clients.json'), drainFor: '10s' },
      },
      vault: { file: at('vault.age'), keyFile: at('vault.key') },
      state: { redis: settings.redis },
      storage: { url, journal: at(journal), auditKey: 'env:UPGRADE_AUDIT_KEY' },
      targets: {
        main: target(settings.upstream),
        limited: target(settings.upstream, {
          rateLimit: { requestsPerMinute: limitedCalls, maxWait: '10ms' },
          retry: { attempts: 1 },
        }),
        broken: target(settings.broken, {
          retry: { attempts: 1 },
          circuitBreaker: { minimumCalls: 3, openFor: '1h' },
        }),
      },
      routes: [
        { models: 'limited', target: 'limited' },
        { models: 'broken', target: 'broken', fallback: ['main'] },
        { models: '*', target: 'main' },
      ],
    }
    // JSON is YAML.
    writeFileSync(at(name), JSON.stringify(config, null, 2), { mode: 0o600 })
    return at(name)
  }
  const journals = Array.from({ length: settings.gateways }, (_, index) => `waiting-${index}`)
  return {
    configs: journals.map((journal, index) => write(`gateway-${index}.yaml`, journal, settings.database)),
    withoutDatabase: write('gateway-away.yaml', journals[0] as string, settings.noDatabase),
    vault: ['--vault', at('vault.age'), '--key-file', at('vault.key')],
  }
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TinyGgufOptions, tinyGguf } from '@spillway/local-model'
import type { SimulatedServer } from '@spillway/testing'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { type AnsweredCall, type Gateway, parseConfig, startGateway } from '../src/index.ts'

/** The environment variable that holds the gateway's own credential, and its value. */
export const ownKey = { reference: 'env:SPILLWAY_TEST_KEY', value: 'sk-own-of-the-gateway' }
process.env.SPILLWAY_TEST_KEY = ownKey.value

/** Something that goes away with the test that made it. */
export function forThisTest<T extends { close(): Promise<unknown> }>(thing: T): T {
  onTestFinished(async () => {
    await thing.close()
  })
  return thing
}

/** A gateway that lives as long as the test. */
export async function gatewayOf(config: object, calls: AnsweredCall[] = [], port = 0): Promise<Gateway> {
  const { config: valid } = parseConfig(stringify(config), 'test.yaml')
  const gateway = await startGateway(valid, { port, onAnswer: (call) => calls.push(call) })
  onTestFinished(() => gateway.close(0))
  return gateway
}

/** A target at a simulated server. */
export function targetAt(server: Pick<SimulatedServer, 'url'>, api: string, more: object = {}): object {
  return { api, endpoints: [{ url: server.url, credential: ownKey.reference }], ...more }
}

/**
 * A configuration with a first target for all models, and a second one where it is given. Nothing is repeated unless a
 * test asks for it, so that each fault meets its call once.
 */
export function configOf(first: object, second?: object, more: object = {}): object {
  return {
    targets: second === undefined ? { claude: first } : { claude: first, local: second },
    routes: [{ models: '*', target: 'claude', fallback: second === undefined ? [] : ['local'] }],
    retry: { attempts: 1 },
    ...more,
  }
}

/** A folder that lives as long as the test. What a killed program still writes while it is removed is removed by another try. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-gateway-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 9 }))
  return folder
}

/** A target with a model inside this process that has one thing to say. */
export function embeddedTarget(options: TinyGgufOptions): object {
  const model = join(temporaryFolder(), 'tiny.gguf')
  writeFileSync(model, tinyGguf(options))
  return { api: 'embedded', model }
}

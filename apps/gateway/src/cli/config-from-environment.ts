import { detectLocalModels, type LocalServer } from '@spillway/local-model'
import { stringify } from 'yaml'
import { type LoadedConfig, parseConfig } from '../config/load-config.ts'

/**
 * A configuration for a user who has a key in the environment and no file: Claude first, directly or through
 * OpenRouter, then a local model server where one runs. Undefined without a key.
 */
export async function configFromEnvironment(
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<LoadedConfig | undefined> {
  const targets: Record<string, unknown> = {}
  if (env.ANTHROPIC_API_KEY) {
    targets.claude = {
      api: 'anthropic',
      endpoints: [{ url: 'https://api.anthropic.com', credential: 'env:ANTHROPIC_API_KEY' }],
    }
  }
  if (env.OPENROUTER_API_KEY) {
    targets.openrouter = {
      api: 'openrouter',
      endpoints: [{ url: 'https://openrouter.ai/api', credential: 'env:OPENROUTER_API_KEY' }],
    }
  }
  if (Object.keys(targets).length === 0) return undefined
  const local = (await detectLocalModels()).find(({ models }) => models.length > 0)
  if (local !== undefined) targets.local = localTarget(local)
  const [first, ...others] = Object.keys(targets)
  const text = stringify({ targets, routes: [{ models: '*', target: first, fallback: others }] })
  log(`no --config; using this one, made from the environment:\n\n${text.replace(/^/gm, '  ')}`)
  return parseConfig(text, 'environment')
}

function localTarget({ kind, url, models }: LocalServer): unknown {
  return { api: kind === 'ollama' ? 'ollama' : 'openai', endpoints: [{ url }], model: models[0] }
}

import type { VerifyOptions } from '@spillway/key-vault'
import { publicUrls } from './verify-place.ts'

/** What a new configuration is to hold. */
export interface Wishes {
  readonly provider: VerifyOptions['provider']
  /** `env:NAME`, `vault:NAME` or `caller`. */
  readonly key: string
  /** The base URL of the provider; undefined: its public one. */
  readonly url?: string
  /** `none`, `ollama`, or the path of a .gguf file. */
  readonly local: string
  /** Which model of Ollama. */
  readonly localModel: string
  readonly port: number
  /** `none`, or as `storage.url`. */
  readonly storage: string
}

export const usualKeys: Readonly<Record<VerifyOptions['provider'], string>> = {
  anthropic: 'env:ANTHROPIC_API_KEY',
  openrouter: 'env:OPENROUTER_API_KEY',
  openai: 'env:OPENAI_API_KEY',
}

/** A configuration with comments, as a person would write it. */
export function initText({ provider, key, url, local, localModel, port, storage }: Wishes): string {
  const name = provider === 'anthropic' ? 'claude' : provider
  const isLocal = local !== 'none'
  const targets = [
    `  ${name}:`,
    `    api: ${provider}`,
    '    endpoints:',
    '      # env:NAME is a variable of the environment, vault:NAME a key of the vault (spillway link NAME), and caller passes on',
    '      # what each caller presents. Never put a key itself here.',
    `      - { url: ${JSON.stringify(url ?? publicUrls[provider])}, credential: ${JSON.stringify(key)} }`,
    ...(provider === 'openrouter'
      ? ['    # Instead of the name that the caller asks for.', '    model: anthropic/claude-sonnet-5.5']
      : []),
    "    # What the vendor's console says of your account, so that calls wait here instead of being refused there.",
    '    # rateLimit: { requestsPerMinute: 600, inputTokensPerMinute: 400000, outputTokensPerMinute: 80000, concurrency: 50 }',
    ...(isLocal ? localTarget(local, localModel) : []),
  ]
  const fallback = isLocal ? ', fallback: [local]' : ''
  return `# yaml-language-server: $schema=https://unpkg.com/@spillway/gateway/spillway.schema.json
# "spillway check" says whether this file is right, "spillway doctor" whether all that it names works, "spillway start" uses it.

# Programs of this machine reach it; see server.exposed before you let others do so.
server: { host: 127.0.0.1, port: ${port} }

# Who can answer.
targets:
${targets.join('\n')}

# Routing: the first route that matches the model of a call serves it; * matches any characters.
# When the target fails or is slow, its fallbacks are asked in their order.
routes:
  - { models: "*", target: ${name}${fallback} }
${
  isLocal
    ? `
# How long a stream of Claude may take until its first block, thinking included, before the next one is asked. What is not
# streamed comes when all of it is written, which takes minutes: "total" bounds that; the default is 10m.
timeouts: { firstContent: 20s }
`
    : ''
}${
  key.startsWith('vault:')
    ? `
# Where vault:NAME is looked up.
vault: { file: vault.age, keyFile: vault.key }
`
    : ''
}
${
  storage === 'none'
    ? '# Keeps calls, costs and the audit log, which the dashboard shows.\n# storage: { url: "sqlite:spillway.db" }'
    : `# Calls, costs and the audit log, which the dashboard shows.\nstorage: { url: ${JSON.stringify(storage)} }`
}
`
}

function localTarget(local: string, model: string): string[] {
  if (local === 'ollama') {
    return [
      '  local:',
      '    api: ollama',
      '    endpoints: [{ url: "http://127.0.0.1:11434" }]',
      `    model: ${JSON.stringify(model)}`,
    ]
  }
  return [
    '  local:',
    '    # llama.cpp, in a process of the gateway.',
    '    api: embedded',
    `    model: ${JSON.stringify(local)}`,
  ]
}

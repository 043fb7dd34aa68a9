import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const head = {
  layout: 'home',
  title: 'Spillway',
  titleTemplate: 'resilience for programs that call Claude',
  hero: {
    name: 'Spillway',
    text: 'Your application answers when Claude does not',
    tagline:
      'Retries, limits, circuit breakers, fallbacks and routing for Claude: small TypeScript packages around the SDK that you have, or a gateway for Claude Code and programs in any language.',
    actions: [
      { theme: 'brand', text: 'Wrap your SDK', link: '/start/wrap-fetch' },
      { theme: 'alt', text: 'Run the gateway', link: '/start/gateway' },
      { theme: 'alt', text: 'Which package do I need?', link: '/guides/which-package' },
    ],
  },
  cards: [
    {
      title: 'Retries that make no outage worse',
      details:
        'They obey retry-after, fit the deadline of the call, and share a budget. A stream that breaks before its first content is repeated too.',
      link: '/packages/retry',
    },
    {
      title: 'Fallbacks',
      details:
        'Another cloud, another vendor, another model, or llama.cpp in your process. A stream that breaks off can be continued.',
      link: '/packages/circuit-breaker-fallback',
    },
    {
      title: 'Rate limits of your own',
      details: 'Requests, tokens and concurrency, in one process or shared over Redis, with a fair queue.',
      link: '/packages/rate-limit',
    },
    {
      title: 'Claude at every cloud',
      details:
        'Anthropic, Bedrock, Vertex AI, Foundry and OpenRouter as one target, balanced by time to first token.',
      link: '/packages/venues',
    },
    {
      title: 'Budgets, keys and an audit log',
      details: 'What people and programs may spend, keys that rotate under load, and books that are exact.',
      link: '/budgets',
    },
    {
      title: 'Tested against faults',
      details:
        'Each fault of an upstream, in each protocol and shape, beside other gateways; storms, outages and fuzzing. Each with its command.',
      link: '/fault-book',
    },
  ],
}

/** The front page: what the README begins with, for the site. */
export function frontPage(root: string): string {
  const code = (file: string, name: string): string => {
    const text = readFileSync(join(root, 'apps/examples/src', file), 'utf8')
    return `\`\`\`${file.split('.').at(-1)} [${name}]\n${text}\`\`\``
  }
  // JSON is YAML.
  return `---
${JSON.stringify(head)}
---

<div class="vp-doc front-code">

::: code-group

${code('start/wrap-fetch.ts', 'Wrap fetch')}

${code('start/stack.ts', 'Compose a chain')}

${code('gateway.yaml', 'Configure the gateway')}

:::

Start in five minutes: [wrap the fetch of your SDK](/start/wrap-fetch), [compose your own stack](/start/compose), or
[run the gateway](/start/gateway) in front of Claude Code and programs in any language.

</div>

<VPFeatures :features="$frontmatter.cards" class="front-cards" />
`
}

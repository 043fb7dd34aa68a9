import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../config/load-config.ts'
import { clientLines, showClientLines } from './client-lines.ts'

const url = 'http://127.0.0.1:8787'

/** The lines by the first word of their titles. */
function linesOf(targets: object, routes: object[], at = url): Record<string, string> {
  const { config } = parseConfig(stringify({ targets, routes }), 'test')
  return Object.fromEntries(clientLines(config, at).map(({ title, text }) => [title.split(/[ ,]/)[0], text]))
}

const claude = {
  api: 'anthropic',
  endpoints: [{ url: 'https://api.anthropic.com', credential: 'env:ANTHROPIC_API_KEY' }],
}
const ofCaller = (api: string): object => ({
  api,
  endpoints: [{ url: 'http://127.0.0.1:1', credential: 'caller' }],
})
const local = { api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:11434' }], model: 'llama3.2' }

describe('clientLines', () => {
  it('has all that a client needs, for a gateway with a key of its own', () => {
    const lines = linesOf({ claude }, [{ models: 'claude-*', target: 'claude' }])
    expect(lines).toEqual({
      Dashboard: `${url}/`,
      Claude: `ANTHROPIC_BASE_URL=${url} ANTHROPIC_AUTH_TOKEN=spillway claude`,
      Codex: `SPILLWAY_KEY=spillway codex -c model_provider=spillway -c 'model_providers.spillway={name="Spillway", base_url="${url}/v1", env_key="SPILLWAY_KEY", wire_api="responses"}' -m claude-sonnet-5-5`,
      curl: `curl -s ${url}/v1/messages -H 'content-type: application/json' -d '{"model":"claude-sonnet-5-5","max_tokens":64,"messages":[{"role":"user","content":"Are you there?"}]}'`,
      '@anthropic-ai/sdk': `const anthropic = new Anthropic({ baseURL: '${url}', apiKey: 'spillway' })`,
      openai: `const openai = new OpenAI({ baseURL: '${url}/v1', apiKey: 'spillway' })`,
      anthropic: `client = Anthropic(base_url="${url}", api_key="spillway")`,
    })
  })

  it('asks for the key of the caller where that is passed on', () => {
    const lines = linesOf({ claude: ofCaller('anthropic') }, [{ models: '*', target: 'claude' }])
    expect(lines.Claude).toBe(`ANTHROPIC_BASE_URL=${url} claude`)
    expect(lines.Codex).toMatch(/^codex .*env_key="ANTHROPIC_API_KEY"/)
    expect(lines.curl).toContain('-H "x-api-key: $ANTHROPIC_API_KEY"')
    expect(lines['@anthropic-ai/sdk']).toContain('apiKey: process.env.ANTHROPIC_API_KEY')
    expect(lines.openai).toContain('apiKey: process.env.ANTHROPIC_API_KEY')
    expect(lines.anthropic).toContain('api_key=os.environ["ANTHROPIC_API_KEY"]')
  })

  it('asks for the key of OpenRouter where that is the one passed on', () => {
    const lines = linesOf({ router: ofCaller('openrouter') }, [{ models: '*', target: 'router' }])
    expect(lines.Claude).toBe(`ANTHROPIC_BASE_URL=${url} ANTHROPIC_AUTH_TOKEN="$OPENROUTER_API_KEY" claude`)
    expect(lines.curl).toContain('-H "authorization: Bearer $OPENROUTER_API_KEY"')
  })

  it.each([
    [[{ models: 'claude-*', target: 'claude' }], 'claude-sonnet-5-5', 'claude-sonnet-5-5'],
    [[{ models: 'claude-opus-*', target: 'claude' }], 'claude-opus-5-5', 'claude-opus-5-5'],
    [[{ models: '*', target: 'claude' }], 'claude-sonnet-5-5', 'claude-sonnet-5-5'],
    [
      [
        { models: 'gpt-*', target: 'local' },
        { models: 'claude-*', target: 'claude' },
      ],
      'claude-sonnet-5-5',
      'gpt-5',
    ],
    [
      [
        { models: 'claude-haiku-5-5', target: 'claude' },
        { models: '*', target: 'local' },
      ],
      'claude-sonnet-5-5',
      'claude-sonnet-5-5',
    ],
    [[{ models: 'gpt-4o', target: 'local' }], 'gpt-4o', 'gpt-4o'],
    [[{ models: 'qwen3*', target: 'local' }], 'qwen3', 'qwen3'],
  ])('names models that the routes serve: %j', (routes, forAnthropic, forOpenAi) => {
    const { config } = parseConfig(stringify({ targets: { claude, local }, routes }), 'test')
    const lines = clientLines(config, url)
    const titled = (name: string): string | undefined =>
      lines.find(({ title }) => title.startsWith(name))?.title
    expect(titled('@anthropic-ai/sdk')).toBe(`@anthropic-ai/sdk, for model ${forAnthropic}`)
    expect(titled('openai')).toBe(`openai, for model ${forOpenAi}`)
    expect(lines.find(({ title }) => title === 'curl')?.text).toContain(`"model":"${forAnthropic}"`)
  })

  it('tells Claude Code which model to ask for where its own are not served', () => {
    const lines = linesOf({ local }, [{ models: 'qwen3', target: 'local' }])
    expect(lines.Claude).toBe(
      `ANTHROPIC_BASE_URL=${url} ANTHROPIC_AUTH_TOKEN=spillway ANTHROPIC_MODEL=qwen3 ANTHROPIC_DEFAULT_HAIKU_MODEL=qwen3 claude`,
    )
  })

  it('has names of models that no shell takes for anything else', () => {
    const lines = linesOf({ local }, [{ models: "it's $HOME; `rm`", target: 'local' }])
    expect(lines.Claude).toContain("ANTHROPIC_MODEL='it'\\''s $HOME; `rm`'")
    expect(lines.Codex).toMatch(/-m 'it'\\''s \$HOME; `rm`'$/)
    expect(lines.curl).toContain(`-d '{"model":"it'\\''s $HOME; \`rm\`"`)
  })

  it.each([
    ['http://0.0.0.0:8787', 'http://127.0.0.1:8787/'],
    ['http://[::]:8787', 'http://[::1]:8787/'],
  ])('has an address that can be reached: %s', (at, expected) => {
    expect(linesOf({ claude }, [{ models: '*', target: 'claude' }], at).Dashboard).toBe(expected)
  })

  it('is shown with a title above each line', () => {
    expect(
      showClientLines([
        { title: 'a', text: 'b' },
        { title: 'c', text: 'd' },
      ]),
    ).toBe('a:\n  b\nc:\n  d')
  })
})

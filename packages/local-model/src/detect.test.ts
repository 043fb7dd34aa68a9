import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { detectLocalModels } from './detect.ts'
import type { LocalServerKind } from './detect-probes.ts'

type Answer = readonly [status: number, body: unknown, headers?: Record<string, string>]
type Routes = { readonly [route: string]: Answer }

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

/** Starts a server; routes are `GET /path`, and anything else is `*`, or 404. */
function serve(
  routes: Routes | ((request: IncomingMessage, response: ServerResponse) => void),
): Promise<number> {
  const server = createServer((request, response) => {
    if (typeof routes === 'function') return routes(request, response)
    const [status, body, headers] = routes[`${request.method} ${request.url}`] ??
      routes['*'] ?? [404, 'not found']
    response.writeHead(status, headers)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  open.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  )
}

const nowhere = { ollama: [], 'llama.cpp': [], 'lm-studio': [], vllm: [] }

async function find(kind: LocalServerKind, routes: Parameters<typeof serve>[0]): Promise<unknown[]> {
  const port = await serve(routes)
  const found = await detectLocalModels({ ports: { ...nowhere, [kind]: [port] }, timeoutMs: 300 })
  return found.map(({ url, ...rest }) => {
    expect(url).toBe(`http://127.0.0.1:${port}`)
    return rest
  })
}

const ollama = (version: string): Routes => ({
  'GET /': [200, 'Ollama is running'],
  'GET /api/version': [200, { version }],
  'GET /api/tags': [200, { models: [{ name: 'llama3.2:latest', size: 1 }, { name: 'qwen3:8b' }] }],
})
const llamaCpp: Routes = {
  'GET /health': [200, { status: 'ok' }],
  'GET /props': [200, { default_generation_settings: {}, total_slots: 1, build_info: 'b7300-abc' }],
  'GET /v1/models': [200, { object: 'list', data: [{ id: 'gemma.gguf', owned_by: 'llamacpp' }] }],
  'POST /v1/messages/count_tokens': [400, { error: { code: 400 } }],
}
const vllm: Routes = {
  'GET /version': [200, { version: '0.14.1' }],
  'GET /v1/models': [200, { object: 'list', data: [{ id: 'meta/llama', owned_by: 'vllm' }] }],
  'POST /v1/messages/count_tokens': [422, {}],
}
const lmStudio: Routes = {
  'GET /api/v1/models': [
    200,
    {
      models: [
        { type: 'llm', key: 'google/gemma', loaded_instances: [] },
        { type: 'embedding', key: 'nomic', loaded_instances: [] },
      ],
    },
  ],
  '*': [200, { error: 'Unexpected endpoint or method.' }],
}

describe('each model server is recognised', () => {
  it('Ollama, with Anthropic Messages from 0.14 on', async () => {
    const models = ['llama3.2:latest', 'qwen3:8b']
    expect(await find('ollama', ollama('0.14.0'))).toEqual([
      { kind: 'ollama', version: '0.14.0', models, apis: ['anthropic', 'openai'], state: 'ready' },
    ])
    expect(await find('ollama', ollama('0.9.6'))).toMatchObject([{ apis: ['openai'] }])
    expect(await find('ollama', ollama('1.0.0-rc1'))).toMatchObject([{ apis: ['anthropic', 'openai'] }])
  })

  it('llama.cpp, ready, loading, of an older build, and behind an API key', async () => {
    expect(await find('llama.cpp', llamaCpp)).toEqual([
      {
        kind: 'llama.cpp',
        version: 'b7300-abc',
        models: ['gemma.gguf'],
        apis: ['anthropic', 'openai'],
        state: 'ready',
      },
    ])
    const loading: Answer = [
      503,
      { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } },
    ]
    expect(await find('llama.cpp', { '*': loading })).toEqual([
      { kind: 'llama.cpp', models: [], apis: ['anthropic', 'openai'], state: 'loading' },
    ])
    const { 'POST /v1/messages/count_tokens': _, ...older } = llamaCpp
    expect(await find('llama.cpp', older)).toMatchObject([{ apis: ['openai'] }])
    const locked: Answer = [
      401,
      { error: { code: 401, message: 'Invalid API Key', type: 'authentication_error' } },
    ]
    const keyed: Routes = { 'GET /health': [200, { status: 'ok' }, { server: 'llama.cpp' }], '*': locked }
    expect(await find('llama.cpp', keyed)).toMatchObject([{ kind: 'llama.cpp', models: [], state: 'ready' }])
  })

  it('LM Studio, current and old', async () => {
    expect(await find('lm-studio', lmStudio)).toEqual([
      { kind: 'lm-studio', models: ['google/gemma'], apis: ['anthropic', 'openai'], state: 'ready' },
    ])
    const old: Routes = {
      'GET /api/v0/models': [200, { data: [{ id: 'phi-4', type: 'llm', state: 'not-loaded' }] }],
      '*': [200, { error: 'Unexpected endpoint or method.' }],
    }
    expect(await find('lm-studio', old)).toEqual([
      { kind: 'lm-studio', models: ['phi-4'], apis: ['openai'], state: 'ready' },
    ])
  })

  it('vLLM, open and behind an API key', async () => {
    expect(await find('vllm', vllm)).toEqual([
      {
        kind: 'vllm',
        version: '0.14.1',
        models: ['meta/llama'],
        apis: ['anthropic', 'openai'],
        state: 'ready',
      },
    ])
    const keyed: Routes = {
      ...vllm,
      'GET /v1/models': [401, { error: 'Unauthorized' }],
      'GET /metrics': [200, '# HELP x\nvllm:num_requests_running{model_name="m"} 0\n'],
    }
    expect(await find('vllm', keyed)).toMatchObject([{ kind: 'vllm', models: [] }])
  })
})

describe('anything else is left out', () => {
  const kinds = Object.keys(nowhere) as LocalServerKind[]
  const impostors: [string, Parameters<typeof serve>[0]][] = [
    [
      'a web app that answers HTML to everything',
      { '*': [200, '<!doctype html><title>Ollama is running</title>'] },
    ],
    ['a health check of another program', { 'GET /health': [200, { status: 'ok' }], '*': [200, {}] }],
    ['an API with a version', { '*': [200, { version: '2.0.0', models: [], status: 'ok' }] }],
    ['a server that wants a password', { '*': [401, { error: 'who are you?' }] }],
    ['a gateway whose upstream is down', { '*': [503, { error: { message: 'Service Unavailable' } }] }],
    ['a server that sends elsewhere', { '*': [302, '', { location: 'http://127.0.0.1:1/' }] }],
    ['a server that never answers', () => {}],
    [
      'a server that stops in the middle',
      (_request, response) => void response.writeHead(200).write('{"version":'),
    ],
    ['a server that hangs up', (request) => void request.socket.destroy()],
    [
      'a server that never stops',
      (_request, response) => {
        const timer = setInterval(() => response.write('x'.repeat(1 << 20)), 1)
        response.on('close', () => clearInterval(timer))
      },
    ],
  ]

  it.each(impostors)('%s', async (_what, routes) => {
    const found = await Promise.all(kinds.map((kind) => find(kind, routes)))
    expect(found.flat()).toEqual([])
  })

  it('one model server on the port of another', async () => {
    expect(await find('llama.cpp', ollama('0.14.0'))).toEqual([])
    expect(await find('llama.cpp', vllm)).toEqual([])
    expect(await find('vllm', llamaCpp)).toEqual([])
    expect(await find('ollama', lmStudio)).toEqual([])
    expect(await find('lm-studio', llamaCpp)).toEqual([])
  })

  it('a port where nothing listens', async () => {
    const port = await serve({})
    for (const close of open.splice(0)) close()
    expect(await detectLocalModels({ ports: { ...nowhere, ollama: [port] } })).toEqual([])
  })
})

describe('the search', () => {
  it('asks all places at once, and one that hangs holds up none beyond its time', {
    retry: 2,
  }, async () => {
    const ports = {
      ollama: [await serve(ollama('0.14.0'))],
      vllm: [await serve(() => {})],
      'lm-studio': [await serve(() => {})],
    }
    const from = performance.now()
    const found = await detectLocalModels({ ports: { ...nowhere, ...ports }, timeoutMs: 200 })
    expect(found.map(({ kind }) => kind)).toEqual(['ollama'])
    expect(performance.now() - from).toBeLessThan(380)
  })

  it('knows the usual ports, and every host', async () => {
    const asked: string[] = []
    const fetch: typeof globalThis.fetch = async (url) => {
      asked.push(new URL(String(url)).host)
      throw new TypeError('refused')
    }
    expect(await detectLocalModels({ hosts: ['10.0.0.2', '::1'], fetch })).toEqual([])
    const ports = [1234, 8000, 8080, 9931, 11434]
    expect([...new Set(asked)].sort()).toEqual(
      [...ports.map((port) => `10.0.0.2:${port}`), ...ports.map((port) => `[::1]:${port}`)].sort(),
    )
  })

  it('ends when the signal aborts', async () => {
    const port = await serve(() => {})
    const signal = AbortSignal.timeout(30)
    const search = detectLocalModels({ ports: { ...nowhere, ollama: [port] }, timeoutMs: 5000, signal })
    await expect(search).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { timeoutsOf } from './config.ts'
import { ConfigError } from './config-error.ts'
import { loadConfig, parseConfig } from './load-config.ts'

const smallest = `targets:
  claude: { api: anthropic, endpoints: [{ url: "http://127.0.0.1:4010", credential: caller }] }
routes:
  - { models: "*", target: claude }
`

/** The problems of a text, as the user reads them. */
function problemsOf(text: string): string[] {
  try {
    parseConfig(text, 'spillway.yaml')
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message.split('\n')
  }
}

/** The smallest file with an embedded model in place of the target's endpoint, and this beside it. */
const embedded = (more: string): string =>
  smallest.replace(/anthropic, endpoints: .*\]/, `embedded, model: a.gguf, ${more}`)

/** The smallest file with this after it. */
const withMore = (more: string): string => `${smallest}${more}\n`

it.each([
  ['circuitBreaker: { failureRate: 0 }', 'circuitBreaker.failureRate: expected a number above 0, up to 1'],
  ['circuitBreaker: { slowCallRate: 1.1 }', 'circuitBreaker.slowCallRate: '],
  ['circuitBreaker: { openFor: 0s }', 'circuitBreaker.openFor: expected a duration above 0'],
  ['circuitBreaker: { window: 0ms }', 'circuitBreaker.window: expected a duration above 0'],
  ['circuitBreaker: { minimumCalls: 0 }', 'circuitBreaker.minimumCalls: expected a whole number above 0'],
])('what no policy can work with is told with its place: %s', (more, problem) => {
  expect(problemsOf(withMore(more))).toEqual([expect.stringMatching(/^spillway\.yaml:5:19/)])
  expect(problemsOf(withMore(more))[0]).toContain(problem)
})

it.each([
  ['circuitBreaker: { slowCall: 10s }', 'circuitBreaker.slowCall', 'slowCallThreshold'],
  ['circuitBreaker: { probeDeadline: 10s }', 'circuitBreaker.probeDeadline', 'probeTimeout'],
  ['rateLimit: { maxClosure: 1m }', 'rateLimit.maxClosure', 'maxRetryAfter'],
  ['mirror: [{ from: claude, to: claude, sample: 1, deadline: 1m }]', 'mirror[0].deadline', 'timeout'],
])('a key that has been renamed is refused with its new name: %s', (more, key, name) => {
  expect(problemsOf(withMore(more)).join('\n')).toContain(`${key}: unknown key; it is called ${name} now`)
})

describe('a valid file', () => {
  it('gets defaults for everything that it leaves out', () => {
    const { config, warnings } = parseConfig(smallest, 'spillway.yaml')
    expect(config.server).toEqual({ host: '127.0.0.1', port: 8787, auth: 'none' })
    expect(config.routes).toEqual([{ models: '*', target: 'claude', fallback: [] }])
    expect(timeoutsOf(config)).toMatchObject({
      total: 600_000,
      connect: 5_000,
      firstContent: 60_000,
      idle: 30_000,
    })
    expect(timeoutsOf(config).headers).toBeUndefined()
    expect(warnings).toEqual([])
  })

  it('has durations in milliseconds, and no limit for none', () => {
    const text = withMore('timeouts: { total: 2m, headers: 1.5s, firstContent: 250ms, idle: none }')
    const { config } = parseConfig(text, 'spillway.yaml')
    expect(config.timeouts).toEqual({ total: 120_000, headers: 1_500, firstContent: 250, idle: Infinity })
  })

  it('gives a target its own limits over those of the file', () => {
    const text = `timeouts: { total: 2m, idle: 10s }
targets:
  local: { api: ollama, endpoints: [{ url: "http://127.0.0.1:1" }], timeouts: { idle: 1s } }
routes: [{ models: "*", target: local }]
`
    const { config } = parseConfig(text, 'spillway.yaml')
    expect(timeoutsOf(config, config.targets.local)).toMatchObject({ total: 120_000, idle: 1_000 })
    expect(timeoutsOf(config)).toMatchObject({ total: 120_000, idle: 10_000 })
  })

  it('may be the design’s smallest useful one', () => {
    vi.stubEnv('ANTHROPIC_API_KEY', '')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { config, warnings } = parseConfig(usefulFile, 'spillway.yaml')
    expect(config.targets.local).toMatchObject({ api: 'ollama', model: 'llama3.2' })
    expect(config.fallback).toEqual({ reserve: 30_000, midStream: 'fail' })
    const said = Object.fromEntries(warnings.map(({ key, message }) => [key, message]))
    expect(said['targets.claude.endpoints[0].credential']).toContain('ANTHROPIC_API_KEY is not set')
    expect(Object.keys(said)).toHaveLength(1)
  })
})

const usefulFile = `server: { host: 127.0.0.1, port: 8787, auth: none }   # auth: none | keys
targets:
  claude:
    api: anthropic              # anthropic | openrouter | openai | ollama | embedded
    endpoints:                  # one or more, balanced
      - { url: "http://127.0.0.1:4010", credential: "env:ANTHROPIC_API_KEY" }   # or vault:NAME
  local:
    api: ollama
    endpoints: [{ url: "http://127.0.0.1:11434" }]
    model: llama3.2             # every request on this target uses it; for api: embedded the path of a .gguf file
routes:
  - { models: "claude-*", target: claude, fallback: [local] }
timeouts: { total: 10m, connect: 5s, firstContent: 60s, idle: 30s }   # headers: 20s would bind every call
retry: { attempts: 3, baseDelay: 500ms, maxDelay: 10s, budget: 0.2 }
rateLimit: { requestsPerMinute: 600, inputTokensPerMinute: 400000, outputTokensPerMinute: 80000, concurrency: 50, maxWait: 30s }
circuitBreaker: { window: 60s, minimumCalls: 20, failureRate: 0.5, openFor: 15s, halfOpenProbes: 3 }
fallback: { reserve: 30s, midStream: fail }            # fail | restart | continue
mirror: []                                             # [{ from: claude, to: candidate, sample: 0.05 }]
storage: { url: "sqlite:spillway.db" }                 # or postgres://...
state: {}                                              # { redis: "redis://..." } shares limits, budgets and breaker state
telemetry: { otlp: null, captureContent: false }
`

it('lengths of days are for retention, forever among them', () => {
  const { config } = parseConfig(
    withMore('storage: { url: "sqlite:a.db", retention: { calls: 90d, sums: forever, audit: 12h } }'),
    'spillway.yaml',
  )
  expect(config.storage?.retention).toEqual({ calls: 90 * 86_400_000, sums: Infinity, audit: 43_200_000 })
})

describe('a warning', () => {
  it('is for an audit key that is not set, which the gateway needs and a check may not have', () => {
    const text = withMore('storage: { url: "sqlite:a.db", auditKey: [env:SPILLWAY_TEST_NONE] }')
    expect(parseConfig(text, 'spillway.yaml').warnings).toMatchObject([
      {
        line: 5,
        key: 'storage.auditKey',
        message: 'env:SPILLWAY_TEST_NONE is not set: the gateway does not start so',
      },
    ])
  })

  it('is given for an endpoint without a credential', () => {
    const text = `targets:
  claude:
    api: anthropic
    endpoints:
      - { url: "http://127.0.0.1:1" }
      - { url: "http://127.0.0.1:2", credential: caller }
routes: [{ models: "*", target: claude }]
`
    const { warnings } = parseConfig(text, 'spillway.yaml')
    expect(warnings.map(({ line, key }) => [line, key])).toEqual([[5, 'targets.claude.endpoints[0]']])
  })
})

it('a target where no other model is asked when one declines is named with its line', () => {
  const text = `targets:
  router:
    api: openrouter
    endpoints: [{ url: "http://127.0.0.1:1", credential: caller }]
routes: [{ models: "*", target: router }]
`
  expect(parseConfig(text, 'spillway.yaml').warnings).toEqual([])
  expect(parseConfig(`${text}fallback: { refusal: {} }\n`, 'spillway.yaml').warnings).toMatchObject([
    {
      line: 3,
      key: 'targets.router.api',
      message: expect.stringContaining('fallback.refusal does not hold'),
    },
  ])
})

describe('an unknown key is an error with its line, column and path', () => {
  it.each([
    ['at the top', withMore('colour: red'), '5:1  colour'],
    ['in server', withMore('server:\n  prot: 1'), '6:3  server.prot'],
    ['in timeouts', withMore('timeouts: { totl: 1s }'), '5:13  timeouts.totl'],
    ['in retry', withMore('retry: { tries: 1 }'), '5:10  retry.tries'],
    ['in rateLimit', withMore('rateLimit: { rpm: 1 }'), '5:14  rateLimit.rpm'],
    ['in circuitBreaker', withMore('circuitBreaker: { win: 1s }'), '5:19  circuitBreaker.win'],
    ['in fallback', withMore('fallback: { mid: 1 }'), '5:13  fallback.mid'],
    ['in telemetry', withMore('telemetry: { url: 1 }'), '5:14  telemetry.url'],
    ['in a target', smallest.replace('api:', 'apo: 1, api:'), '2:13  targets.claude.apo'],
    ['in an endpoint', smallest.replace('url:', 'uri: 1, url:'), '2:43  targets.claude.endpoints[0].uri'],
    ['in a route', smallest.replace('models:', 'modles: 1, models:'), '4:7  routes[0].modles'],
  ])('%s', (_, text, expected) => {
    expect(problemsOf(text)).toEqual([`spillway.yaml:${expected}: unknown key`])
  })
})

describe('a wrong value is an error that says what was expected', () => {
  it.each([
    [
      'timeouts: { total: 10 }',
      '5:13  timeouts.total: expected a duration such as 250ms, 10s or 2m, or none',
    ],
    [
      'timeouts: { idle: soon }',
      '5:13  timeouts.idle: expected a duration such as 250ms, 10s or 2m, or none',
    ],
    [
      'storage: { url: "sqlite:a.db", retention: { calls: 10m } }',
      '5:45  storage.retention.calls: expected a length such as 90d or 12h, or forever',
    ],
    [
      'storage: { url: "sqlite:a.db", auditKey: 0123456789abcdef0123456789abcdef }',
      '5:32  storage.auditKey: expected env:NAME or vault:NAME; a key itself never belongs in a configuration file',
    ],
    [
      'storage: { url: "sqlite:a.db", auditKey: [env:SPILLWAY_TEST_NONE, vault:audit] }',
      '5:32  storage.auditKey: vault:NAME needs to know the vault',
    ],
    ['retry: { baseDelay: 5 }', '5:10  retry.baseDelay: expected a duration such as 250ms, 10s or 2m'],
    ['retry: { attempts: 0 }', '5:10  retry.attempts: '],
    ['retry: { attempts: many }', '5:10  retry.attempts: expected a whole number above 0'],
    ['retry: { budget: 2 }', '5:10  retry.budget: '],
    [
      'rateLimit: { requestsPerMinute: x }',
      '5:14  rateLimit.requestsPerMinute: expected a number of 1 or more',
    ],
    ['server: { port: "8787" }', '5:11  server.port: expected a port from 0 to 65535'],
    ['server: { port: 70000 }', '5:11  server.port: '],
    ['server: { auth: maybe }', '5:11  server.auth: expected none or keys'],
    ['fallback: { midStream: go }', '5:13  fallback.midStream: expected fail, restart or continue'],
    ['timeouts: 10s', '5:1  timeouts: expected a mapping of keys, found a text'],
    ['mirror: {}', '5:1  mirror: expected a list, found a mapping of keys'],
  ])('%s', (more, expected) => {
    const problems = problemsOf(withMore(more))
    expect(problems).toHaveLength(1)
    expect(problems[0]?.startsWith(`spillway.yaml:${expected}`), problems[0]).toBe(true)
    expect(problems[0]?.length).toBeGreaterThan(`spillway.yaml:${expected}`.length - 1)
  })

  it.each([
    [
      'api: anthropic',
      'api: claude',
      'targets.claude.api: expected one of anthropic, openrouter, openai, ollama, embedded',
    ],
    [
      '"http://127.0.0.1:4010"',
      'localhost',
      'targets.claude.endpoints[0].url: expected an http or https URL',
    ],
    [
      '"http://127.0.0.1:4010"',
      '"ftp://a"',
      'targets.claude.endpoints[0].url: expected an http or https URL',
    ],
    ['models: "*"', 'models: 5', 'routes[0].models: expected a text, found a number'],
    [
      '[{ url: "http://127.0.0.1:4010", credential: caller }]',
      '[]',
      'targets.claude.endpoints: expected at least one endpoint',
    ],
  ])('%s -> %s', (from, to, expected) => {
    const problems = problemsOf(smallest.replace(from, to))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^spillway\.yaml:\d+:\d+ {2}/)
    expect(problems[0]).toContain(expected)
  })

  it('several mistakes are all told at once', () => {
    const text = withMore('server: { port: x, hots: a }\ntimeouts: { total: 1 }')
    expect(problemsOf(text)).toHaveLength(3)
  })
})

describe('budgets', () => {
  it('are written as on the command line', () => {
    const text = withMore(
      'budgets: { all: [usd=5k/month], eachClient: ["usd=50/month,warn=90%", "requests=60/minute,soft"], contact: see go/ai }',
    )
    expect(parseConfig(text, 'spillway.yaml').config.budgets).toEqual({
      all: [{ unit: 'usd', period: 'month', amount: 5_000e9, hard: true }],
      eachClient: [
        { unit: 'usd', period: 'month', amount: 50e9, hard: true, warnAt: 0.9 },
        { unit: 'requests', period: 'minute', amount: 60, hard: false },
      ],
      contact: 'see go/ai',
    })
  })

  it.each([
    ['all: [usd=50]', /^spillway\.yaml:5:18 {2}budgets\.all\[0\]: expected a limit such as usd=50\/month/],
    ['all: [usd=99999999/month]', /budgets\.all\[0\]: the amount is too large/],
    ['all: [usd=5/day, usd=6/day]', /budgets\.all\[1\]: there is another limit of usd a day/],
    ['team: [usd=5/day]', /budgets\.team: unknown key/],
  ])('that cannot be kept are told with their place: %s', (more, problem) => {
    expect(problemsOf(withMore(`budgets: { ${more} }`))).toEqual([expect.stringMatching(problem)])
  })
})

describe('parts that do not fit together', () => {
  const withRoute = (route: string): string => smallest.replace('{ models: "*", target: claude }', route)

  it.each([
    [
      'a target that nobody defined',
      withRoute('{ models: "*", target: cluade }'),
      /^spillway\.yaml:4:20 {2}routes\[0\]\.target: no target is called "cluade"; there are claude$/,
    ],
    [
      'a fallback that nobody defined',
      withRoute('{ models: "*", target: claude, fallback: [local] }'),
      /:4:47 {2}routes\[0\]\.fallback\[0\]: no target is called "local"/,
    ],
    [
      'a fallback to itself',
      withRoute('{ models: "*", target: claude, fallback: [claude] }'),
      /"claude" is on this route already/,
    ],
    [
      'a target without endpoints',
      smallest.replace(/, endpoints: .*\]/, ''),
      /^spillway\.yaml:2:3 {2}targets\.claude: endpoints is missing/,
    ],
    [
      'an embedded target without a model',
      smallest.replace(/anthropic, endpoints: .*\]/, 'embedded'),
      /targets\.claude: an embedded model needs model: the path of a \.gguf file/,
    ],
    [
      'an embedded target with endpoints',
      smallest.replace('anthropic', 'embedded, model: a.gguf'),
      /targets\.claude\.endpoints: an embedded model has no endpoints/,
    ],
    ...Object.entries({
      'retry: { attempts: 2 }': /:2:\d+ {2}targets\.claude\.retry: an embedded model is not retried/,
      'routing: { affinity: false }': /:2:\d+ {2}targets\.claude\.routing: .* no endpoints to choose among/,
      'openrouter: { models: [] }': /:2:\d+ {2}targets\.claude\.openrouter: .* not asked through OpenRouter/,
      'timeouts: { connect: 5s }': /:2:\d+ {2}targets\.claude\.timeouts\.connect: .* needs no connection/,
      'capabilities: { images: true }': /:2:\d+ {2}targets\.claude\.capabilities\.images: .* reads text only/,
      'capabilities: { documents: true }': /targets\.claude\.capabilities\.documents: .* reads text only/,
      'credential: caller': /:2:\d+ {2}targets\.claude\.credential: unknown key/,
    }).map(([key, expected]): [string, string, RegExp] => [
      `an embedded target with ${key}`,
      embedded(key),
      expected,
    ]),
    [
      'a dialect of an API that has its own',
      smallest.replace('anthropic', 'ollama, dialect: mistral'),
      /targets\.claude\.dialect: a dialect is for api: openai; api: ollama has its own, leave this out/,
    ],
    [
      'an unknown dialect',
      smallest.replace('anthropic', 'openai, dialect: open-ai'),
      /targets\.claude\.dialect: expected one of openai, openai-compatible, deepseek, groq, mistral/,
    ],
    [
      'a vault credential without a vault',
      smallest.replace('caller', '"vault:main"'),
      /credential: vault:NAME needs to know the vault: add vault: /,
    ],
    [
      "callers' own credentials where callers present keys of the gateway",
      withMore('server: { auth: keys }'),
      /credential: caller does not go with server\.auth: keys, .*: use env:NAME or vault:NAME/,
    ],
  ])('%s', (_, text, expected) => {
    const problems = problemsOf(text)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(expected)
  })

  it('a missing part is named', () => {
    expect(problemsOf(smallest.replace(/routes:.*/s, ''))).toEqual([
      expect.stringMatching(/ {2}routes: expected a list of routes/),
    ])
    expect(problemsOf('routes: [{ models: "*", target: a }]')).toEqual([
      expect.stringMatching(/ {2}targets: /),
    ])
    expect(problemsOf('targets: {}\nroutes: []')).toEqual([
      'spillway.yaml:1:1  targets: expected at least one target',
      'spillway.yaml:2:1  routes: expected at least one route',
    ])
  })
})

it('an embedded target takes the policies that make sense for it', () => {
  const policies =
    'rateLimit: { concurrency: 1 }, circuitBreaker: { openFor: 5s }, timeouts: { headers: 5s }, capabilities: { contextTokens: 4096, tools: false, images: false }'
  expect(parseConfig(embedded(policies), 'spillway.yaml').warnings).toEqual([])
})

describe('who may speak to the gateway', () => {
  it('is read as clients and browsers write it', () => {
    const server =
      'server: { allowedHosts: [gateway.internal, "*.example.com:8787"], allowedOrigins: ["HTTPS://App.example.com:443", "vscode-webview://*"], exposed: false }'
    const { config } = parseConfig(withMore(server), 'spillway.yaml')
    expect(config.server).toMatchObject({
      allowedHosts: ['gateway.internal', '*.example.com:8787'],
      allowedOrigins: ['https://app.example.com', 'vscode-webview://*'],
      exposed: false,
    })
  })

  it.each([
    ['allowedHosts: gateway.internal', /allowedHosts: expected a list of hosts/],
    ['allowedHosts: ["*"]', /allowedHosts\[0\]: \* would let every name/],
    ['allowedHosts: ["http://gateway.internal"]', /allowedHosts\[0\]: .*no scheme, no path/],
    ['allowedHosts: [a, "b c"]', /allowedHosts\[1\]: expected the name or address of a host/],
    ['allowedOrigins: ["*"]', /allowedOrigins\[0\]: \* would let every web page/],
    ['allowedOrigins: ["null"]', /allowedOrigins\[0\]: null is sent by every sandboxed page/],
    [
      'allowedOrigins: ["https://app.example.com/chat"]',
      /allowedOrigins\[0\]: expected an origin.*without a path/,
    ],
    ['exposed: sometimes', /exposed: expected true or false/],
  ])('is refused with its line: %s', (key, expected) => {
    const problems = problemsOf(withMore(`server: { ${key} }`))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^spillway\.yaml:5:\d+ {2}server\./)
    expect(problems[0]).toMatch(expected)
  })

  it.each(['0.0.0.0', '"::"', '192.168.1.5', 'gateway.internal', '""'])(
    'is everybody on the network with host: %s, which has to be said',
    (host) => {
      expect(problemsOf(withMore(`server: { host: ${host} }`))).toEqual([
        expect.stringMatching(
          /^spillway\.yaml:5:11 {2}server\.host: .*spends your keys.*server\.exposed: true/,
        ),
      ])
      expect(problemsOf(withMore(`server: { host: ${host}, exposed: true }`))).toEqual([])
    },
  )

  it('may be said by the command line, for the file', () => {
    const text = withMore('server: { host: 0.0.0.0 }')
    expect(parseConfig(text, 'f', { host: '127.0.0.1' }).config.server.host).toBe('127.0.0.1')
    expect(parseConfig(text, 'f', { exposed: true }).config.server.exposed).toBe(true)
    expect(() => parseConfig(smallest, 'f', { host: '::' })).toThrow(
      /f:1:1 {2}server\.host: :: can be reached/,
    )
  })
})

describe('a key in the place of a credential', () => {
  const key = 'sk-ant-api03-very-secret'

  it.each([`"${key}"`, `"env: ${key}"`, `"env:${key}"`, `{ key: ${key} }`, `"Bearer ${key}"`])(
    'is refused with what to do, and not repeated: %s',
    (value) => {
      const problems = problemsOf(smallest.replace('caller', value))
      expect(problems).toHaveLength(1)
      expect(problems[0]).toMatch(
        /^spillway\.yaml:2:\d+ {2}targets\.claude\.endpoints\[0\]\.credential: expected env:NAME/,
      )
      expect(problems[0]).not.toContain('secret')
    },
  )

  it('is told that a key never stands in the file', () => {
    expect(problemsOf(smallest.replace('caller', key))[0]).toContain(
      'a key itself never belongs in a configuration file',
    )
  })
})

describe('what is no usable YAML', () => {
  it.each([
    ['an open brace', 'targets: { claude: ', 1],
    ['a wrong indentation', 'targets:\n  a: 1\n b: 2', 3],
    ['a tab', 'targets:\n\ta: 1', 2],
  ])('%s is an error with its line', (_, text, line) => {
    const problems = problemsOf(text)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems[0]).toMatch(new RegExp(`^spillway\\.yaml:${line}:\\d+ {2}\\S`))
  })

  it('a duplicate key is an error with its line', () => {
    expect(problemsOf(withMore('routes: []'))).toEqual([
      expect.stringMatching(/^spillway\.yaml:5:1 {2}.*"routes" is there twice/),
    ])
  })

  it('a broken file does not show its text', () => {
    const text = smallest.replace('caller', '"sk-secret" "again"')
    expect(problemsOf(text).join()).not.toContain('sk-secret')
  })

  it.each(['', '\n', '# only a comment\n'])('an empty file misses targets and routes: %j', (text) => {
    const problems = problemsOf(text).join('\n')
    expect(problems).toContain('spillway.yaml:1:1  targets: ')
    expect(problems).toContain('routes: ')
  })

  it.each(['hello', '- a\n- b', '5'])('a file that is no mapping is an error: %j', (text) => {
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^spillway\.yaml:1:1 {2}expected a mapping of keys/),
    ])
  })

  it.each([
    ['*', /^spillway\.yaml:4:15 {2}.*quotes$/],
    ['*-haiku', /^spillway\.yaml:4:15 {2}\*-haiku .*quotes$/],
  ])(
    'a star outside quotes, which YAML takes for an alias, is an error with its line: %s',
    (models, expected) => {
      const problems = problemsOf(smallest.replace('"*"', models))
      expect(problems[0]).toMatch(expected)
    },
  )

  it('aliases that unfold to a giant are an error', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for (const [alias, name] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi'].map((pair) =>
      pair.split(''),
    )) {
      lines.push(`${name}: &${name} [${Array(9).fill(`*${alias}`).join(', ')}]`)
    }
    expect(problemsOf(lines.join('\n'))).toEqual([
      expect.stringMatching(/^spillway\.yaml:1:1 {2}Excessive alias/),
    ])
  })
})

describe('loadConfig', () => {
  it('reads a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-config-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'a.yaml')
    writeFileSync(file, smallest)
    expect(loadConfig(file).config.targets).toHaveProperty('claude')
  })

  it('names a file that is missing', () => {
    expect(() => loadConfig('no/such.yaml')).toThrow('no/such.yaml:1:1  there is no such file')
  })

  it('names a folder in the place of a file', () => {
    expect(() => loadConfig(tmpdir())).toThrow(ConfigError)
  })
})

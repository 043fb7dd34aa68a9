import { add, type Figures, tokenTypes } from './figures.ts'

interface Tokens {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly reasoning: number
}

interface Row {
  readonly key: string
  readonly calls: number
  readonly attempts: number
  readonly estimated: number
  readonly costNano: string
  readonly estimatedCostNano: string
  readonly tokens: Tokens
  readonly estimatedTokens: Tokens
}

/** What `/api/summary` and `/api/usage` say; each grouping is summed up for itself. */
export async function apiFigures(url: string): Promise<Figures> {
  const figures: Figures = new Map()
  const get = async (path: string) => (await fetch(`${url}/api/${path}`)).json() as never
  const summary: {
    calls: number
    retries: number
    costNano: string
    estimatedCostNano: string
    tokens: Tokens
    estimatedTokens: Tokens
  } = await get('summary?range=1h')
  add(figures, 'calls', summary.calls)
  addTokensOf(figures, summary)
  add(figures, 'all cost', summary.costNano)
  add(figures, 'estimated cost', summary.estimatedCostNano)
  add(figures, 'exact cost', BigInt(summary.costNano) - BigInt(summary.estimatedCostNano))
  for (const by of ['model', 'tenant', 'target', 'role', 'day']) {
    const { rows }: { rows: readonly Row[] } = await get(`usage?range=1h&by=${by}`)
    const sums: Figures = new Map()
    for (const row of rows) {
      add(sums, 'calls', row.calls)
      add(sums, 'attempts', row.attempts)
      add(sums, 'attempts estimated', row.estimated)
      add(sums, 'all cost', row.costNano)
      add(sums, 'estimated cost', row.estimatedCostNano)
      addTokensOf(sums, row)
      // Calls that nobody answered have no target, and no attempts either.
      if (by === 'day' || row.attempts === 0) continue
      add(figures, `attempts by ${by}: ${row.key}`, row.attempts)
      add(figures, `all cost by ${by}: ${row.key}`, row.costNano)
      add(figures, `exact cost by ${by}: ${row.key}`, BigInt(row.costNano) - BigInt(row.estimatedCostNano))
    }
    for (const [name, value] of sums) {
      const known = figures.get(name)
      if (known !== undefined && known !== value)
        throw new Error(`/api/usage?by=${by}: ${name} are ${value}, but ${known} elsewhere in /api`)
      figures.set(name, value)
    }
  }
  return figures
}

function addTokensOf(
  figures: Figures,
  { tokens, estimatedTokens }: Pick<Row, 'tokens' | 'estimatedTokens'>,
): void {
  addTokens(figures, 'all tokens', tokens)
  addTokens(figures, 'estimated tokens', estimatedTokens)
  addTokens(figures, 'exact tokens', {
    input: tokens.input - estimatedTokens.input,
    output: tokens.output - estimatedTokens.output,
    cacheRead: tokens.cacheRead - estimatedTokens.cacheRead,
    cacheWrite: tokens.cacheWrite - estimatedTokens.cacheWrite,
    reasoning: tokens.reasoning - estimatedTokens.reasoning,
  })
}

function addTokens(figures: Figures, name: string, tokens: Tokens): void {
  const { input, output, cacheRead, cacheWrite, reasoning } = tokens
  const counts = [input, output, cacheRead, cacheWrite, reasoning]
  for (const [index, type] of tokenTypes.entries()) add(figures, `${name}: ${type}`, counts[index] ?? 0)
}

/** What `/metrics` says. */
export async function metricsFigures(url: string): Promise<Figures> {
  const figures: Figures = new Map()
  for (const { name, labels, value } of samples(await (await fetch(`${url}/metrics`)).text())) {
    const target = labels.spillway_target
    const kind = labels.spillway_usage_estimated === 'true' ? 'estimated' : 'exact'
    switch (name) {
      case 'spillway_calls_total':
        add(figures, 'calls', value)
        break
      case 'spillway_attempt_duration_count': {
        const end = labels.error_type === undefined ? 'well' : labels.error_type
        add(figures, 'attempts', value)
        add(figures, `attempts by target: ${target}`, value)
        add(figures, `attempts that ended: ${end === 'well' || end === 'cancelled' ? end : 'failed'}`, value)
        break
      }
      case 'spillway_tokens_total':
        add(figures, `${kind} tokens: ${labels.gen_ai_token_type}`, value)
        add(figures, `all tokens: ${labels.gen_ai_token_type}`, value)
        break
      case 'spillway_cost_nano_usd_total':
        add(figures, `${kind} cost`, value)
        add(figures, 'all cost', value)
        add(figures, `all cost by target: ${target}`, value)
        if (kind === 'exact') add(figures, `exact cost by target: ${target}`, value)
    }
  }
  return figures
}

/** The samples of a text in Prometheus's format. */
function* samples(text: string): Generator<{ name: string; labels: Record<string, string>; value: string }> {
  for (const line of text.split('\n')) {
    const found = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line)
    if (found === null) continue
    const [, name = '', list = '', value = ''] = found
    const labels = Object.fromEntries(
      [...list.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, text]),
    )
    yield { name, labels, value }
  }
}

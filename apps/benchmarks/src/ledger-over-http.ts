import { parseConfig, startGateway } from '@spillway/gateway'

/** What is asked, and how. */
export type View = readonly [name: string, ask: () => Promise<unknown>]

const groupings = ['model', 'tenant', 'target', 'role', 'day']

/** What the dashboard asks for. */
function paths(): string[] {
  const ofRanges = ['15m', '1h', '24h', '7d', '30d'].flatMap((range) => [
    `summary?range=${range}`,
    ...groupings.map((by) => `usage?by=${by}&range=${range}`),
    `fallbacks?range=${range}`,
    ...['model', 'tenant', 'target'].map((by) => `series?by=${by}&range=${range}`),
    `facets?range=${range}`,
    `facets?range=${range}&failure=timeout&problems=true`,
    `matches?range=${range}`,
    `matches?range=${range}&tenant=tenant-3`,
    `sessions?range=${range}`,
    `sessions?range=${range}&order=recent`,
    `changes?range=${range}`,
    `mirror?range=${range}`,
    `calls?range=${range}&problems=true`,
  ])
  const calls = [
    '',
    '&model=claude-opus-5',
    '&tenant=tenant-39',
    '&failure=timeout',
    '&query=opus',
    '&query=none',
  ]
  return [
    ...ofRanges,
    ...calls.map((filter) => `calls?limit=50${filter}`),
    'calls?limit=1000',
    'audit?limit=50',
    'audit?limit=50&query=nowhere',
    'alerts',
    'targets',
    'budgets',
    'keys',
  ]
}

/** Starts a gateway on a ledger, with this folder for its journal; each view is a request to its API. */
export async function viewsOverHttp(
  storage: string,
  journal: string,
): Promise<{
  views: View[]
  /** An answer of its API. */
  read<T>(path: string): Promise<T>
  close(): Promise<void>
}> {
  const { config } = parseConfig(
    JSON.stringify({
      targets: {
        claude: { api: 'anthropic', endpoints: [{ url: 'http://127.0.0.1:9', credential: 'caller' }] },
      },
      routes: [{ models: '*', target: 'claude' }],
      storage: { url: storage, journal },
    }),
    'benchmark.json',
  )
  const gateway = await startGateway(config, { port: 0, log: () => {} })
  const ask = async (path: string): Promise<string> => {
    const response = await fetch(`${gateway.url}/api/${path}`)
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`)
    return text
  }
  return {
    views: paths().map((path) => [`/api/${path}`, () => ask(path)]),
    read: async <T>(path: string) => JSON.parse(await ask(path)) as T,
    close: () => gateway.close(0),
  }
}

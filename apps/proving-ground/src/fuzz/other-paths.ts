import { type Dice, weights } from './dice.ts'
import type { FuzzRequest } from './fuzz-case.ts'
import { keyMarker } from './markers.ts'

const paths = weights<string>([
  [18, '/healthz'],
  [18, '/readyz'],
  [14, '/'],
  [0.6, '/metrics'],
  [1, '/api/summary'],
  [1, '/api/usage'],
  [1.5, '/api/calls'],
  [1, '/api/fallbacks'],
  [2, '/api/targets'],
  [2, '/api/mirror'],
  [2, '/api/keys'],
  [1.5, '/api/audit'],
  [1, '/api/openapi.json'],
  [6, '/api/nothing'],
  [6, '/api/'],
  [6, '/assets/nothing.js'],
  [5, '/assets/../../../etc/passwd'],
  [6, '/v1/models'],
  [5, '/v1/messages/'],
  [5, '/v1/messages/batches'],
  [5, '/v1/responses'],
  [5, '/v1/complete'],
  [4, '//v1/messages'],
  [4, '/v1/Messages'],
  [4, '/%2e%2e/v1/messages'],
  [4, '/favicon.ico'],
  [3, '/__proto__'],
])

const queries = [
  '?range=1h',
  '?range=24h',
  '?range=1e999d',
  '?range=-1',
  '?range=',
  '?by=model&range=1h',
  '?by=tenant&range=24h',
  '?by=tenant',
  '?by=day&range=30d',
  '?by=__proto__',
  '?limit=5',
  '?limit=0',
  '?limit=99999999999',
  '?limit=1e3',
  '?before=zzz',
  '?before=1',
  '?before=-1',
  '?query=%',
  "?query='%20or%201=1--",
  '?model=claude-sonnet-5-5',
  '?tenant=key-0',
  '?failure=timeout',
  '?target=%00',
  '?a=1&a=2',
  '?%ff',
  '?&&&',
  `?query=${'q'.repeat(2_000)}`,
  '?limit=5&limit=6',
]

/** A request for anything but a model call, sent as HTTP wants it. */
export function otherPath(dice: Dice, index: number, host: string): FuzzRequest {
  const path = dice.weighted(paths)
  const query =
    path.startsWith('/api/') || dice.chance(0.1) ? (dice.chance(0.6) ? dice.pick(queries) : '') : ''
  const isRead = dice.chance(0.85)
  const method = isRead
    ? dice.chance(0.85)
      ? 'GET'
      : 'HEAD'
    : dice.pick(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
  const body = method === 'GET' || method === 'HEAD' ? '' : dice.pick(['', '{}', 'x=1'])
  const lines = [`${method} ${path}${query} HTTP/1.1`, `host: ${host}`]
  if (dice.chance(0.3)) lines.push(`x-api-key: ${keyMarker(index)}`)
  if (dice.chance(0.3))
    lines.push(
      `accept: ${dice.pick(['text/html', '*/*', 'application/json', 'text/html;q=0', ','.repeat(500)])}`,
    )
  if (dice.chance(0.2)) lines.push(`accept-encoding: ${dice.pick(['gzip', 'gzip;q=0', 'br', 'identity'])}`)
  if (dice.chance(0.1)) lines.push(`if-none-match: ${dice.pick(['*', '"x"', 'W/"x"'])}`)
  if (dice.chance(0.05))
    lines.push(`origin: ${dice.pick(['https://evil.example', 'null', `http://${host}`])}`)
  if (dice.chance(0.05)) lines.push('sec-fetch-site: cross-site')
  if (body !== '' || dice.chance(0.2)) lines.push(`content-length: ${body.length}`)
  return {
    kind: `other: ${method === 'GET' || method === 'HEAD' ? 'read' : 'write'}`,
    steps: [{ do: 'send', bytes: Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1') }],
    isShared: true,
    answers: 1,
    isHead: method === 'HEAD',
    api: undefined,
    stream: false,
  }
}

import { z } from 'zod'
import { readHostPattern } from '../access/host-patterns.ts'
import { canonicalOrigin, originProblem } from '../access/origins.ts'
import { readNetwork } from '../access/trusted-proxies.ts'
import type { Config } from './config.ts'
import { oidc } from './oidc-schema.ts'
import {
  age,
  bufferSize,
  byteSize,
  duration,
  patience,
  share,
  someShare,
  someTime,
  whole,
  yesOrNo,
} from './values.ts'

const allowedHost = z.string({ error: 'expected a text' }).superRefine((text, context) => {
  if (readHostPattern(text) !== undefined) return
  const message =
    text === '*'
      ? '* would let every name that points to this machine through, which is what web pages use to pose as your own; name the hosts, such as gateway.internal or *.example.com'
      : 'expected the name or address of a host, such as gateway.internal, *.example.com or 10.0.0.5, with or without a port; no scheme, no path'
  context.addIssue({ code: 'custom', message })
})

const allowedOrigin = z
  .string({ error: 'expected a text' })
  .superRefine((text, context) => {
    const message = originProblem(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
  .transform((text) => canonicalOrigin(text) ?? text)

const trustedNetwork = z.string({ error: 'expected a text' }).superRefine((text, context) => {
  const network = readNetwork(text)
  if (network !== undefined && network.prefix > 0) return
  const message =
    network === undefined
      ? 'expected an address or a network, such as 10.0.0.5, 10.0.0.0/8 or 2001:db8::/32'
      : 'this is everyone, so anyone could say to be any address: name the networks of your proxies'
  context.addIssue({ code: 'custom', message })
})

const pem = z
  .string({ error: 'expected the path of a file' })
  .min(1, { error: 'expected the path of a file' })

const notAHost = 'expected a host name or an address, such as 127.0.0.1'

const notADatabase =
  'expected storage (the database of storage.url), postgres://…, or env:NAME for an environment variable that holds its URL'

/** `server` of the file. */
export const server: z.ZodType<Config['server']> = z.strictObject({
  host: z
    .string({ error: notAHost })
    .regex(/^[\w.:%[\]-]*$/, { error: notAHost })
    .default('127.0.0.1')
    .describe('The address to listen on.'),
  port: z
    .int({ error: 'expected a port from 0 to 65535' })
    .min(0)
    .max(65535)
    .default(8787)
    .describe('The port; 0 picks a free one.'),
  workers: z
    .union([z.int().min(1).max(256), z.literal('auto')], {
      error: 'expected a number of processes from 1 to 256, or auto',
    })
    .optional()
    .describe(
      'How many processes serve, as one gateway; auto: one for each core that this machine or container may use.',
    ),
  auth: z
    .enum(['none', 'keys'], { error: 'expected none or keys' })
    .default('none')
    .describe('keys: each request needs the key of a client, see "spillway clients".'),
  admin: z
    .enum(['open', 'login'], { error: 'expected open or login' })
    .optional()
    .describe('login: the dashboard, /api and /metrics ask who is there, as they do with auth: keys.'),
  clientsFile: z
    .string({ error: 'expected the path of a file' })
    .min(1, { error: 'expected the path of a file' })
    .optional()
    .describe('Where client keys are kept, hashed.'),
  clientsDatabase: z
    .string({ error: notADatabase })
    .regex(/^(storage|postgres(ql)?:\/\/.+|env:[A-Za-z_][A-Za-z0-9_]*)$/, { error: notADatabase })
    .optional()
    .describe(
      'The same in PostgreSQL, for gateways without a shared disk: storage (the database of the ledger), postgres://…, or env:NAME.',
    ),
  unknownIds: z
    .enum(['refuse', 'pass'], { error: 'expected refuse or pass' })
    .optional()
    .describe(
      'With auth: keys, calls that name a file, response or container which no client was seen to make: refuse, or pass on. Those of another client are always refused.',
    ),
  onRevoke: z
    .enum(['finish', 'cut'], { error: 'expected finish or cut' })
    .optional()
    .describe(
      'What happens to calls in flight whose client is revoked: they finish, or are cut within a second. New calls are refused.',
    ),
  oidc: oidc.describe('The identity provider whose tokens clients present, and at which people sign in.'),
  keepAliveAfter: duration
    .optional()
    .describe('After so long without content a stream gets comments, which give up its status and headers.'),
  allowedHosts: z
    .array(allowedHost, { error: 'expected a list of hosts' })
    .optional()
    .describe('Names under which clients reach the gateway, beside localhost, its address and server.host.'),
  allowedOrigins: z
    .array(allowedOrigin, { error: 'expected a list of origins' })
    .optional()
    .describe('Origins whose web pages may use the gateway, beside its own dashboard.'),
  tls: z
    .strictObject({
      cert: pem.describe('A file in PEM: the certificate, with those that lead to its root.'),
      key: pem.describe('A file in PEM: its private key.'),
      passphrase: z
        .string()
        .regex(/^env:[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected env:NAME' })
        .optional()
        .describe('The variable with the passphrase of the key, where it is encrypted.'),
      ca: pem
        .optional()
        .describe('A file in PEM: certificates of who vouches for clients, with clientAuth: require.'),
      clientAuth: z
        .enum(['none', 'require'], { error: 'expected none or require' })
        .optional()
        .describe('require: clients without a certificate that ca vouches for are not connected.'),
      minVersion: z
        .enum(['1.2', '1.3'], { error: 'expected "1.2" or "1.3", in quotes' })
        .optional()
        .describe('The oldest version of TLS.'),
      warnBefore: age.describe('How long before its end a certificate is warned of.'),
    })
    .optional()
    .describe('Clients connect by https. The files are read again when they change, and on SIGHUP.'),
  http2: z
    .union(
      [
        yesOrNo,
        z.strictObject({
          maxConcurrentStreams: whole.optional().describe('Calls on one connection at a time.'),
          resetBurst: whole.optional().describe('Streams that a client may reset at once.'),
          resetRate: whole
            .optional()
            .describe(
              'Streams that it may reset a second from then on; beyond that its connection is closed.',
            ),
        }),
      ],
      { error: 'expected true, false, or a mapping of settings' },
    )
    .optional()
    .describe(
      'Whether clients may speak HTTP/2: agreed on with TLS, and without it where a client begins so (prior knowledge).',
    ),
  trustProxy: z
    .array(trustedNetwork, { error: 'expected a list of networks' })
    .optional()
    .describe(
      'Networks of proxies, such as 10.0.0.0/8, whose x-forwarded-for, x-forwarded-proto and forwarded are believed.',
    ),
  exposed: z
    .boolean({ error: 'expected true or false' })
    .optional()
    .describe('That other machines can reach the gateway is meant, though it does not authenticate clients.'),
  fingerprintKey: z
    .string()
    .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[A-Za-z0-9._-]+)$/, {
      error:
        'expected env:NAME (an environment variable) or vault:NAME; a key itself never belongs in a configuration file',
    })
    .optional()
    .describe("The key that fingerprints of callers' keys are made with; gateways with the same one agree."),
  maxInFlightBytes: byteSize
    .optional()
    .describe('Bytes of requests that are held at a time; requests beyond that are refused with 529.'),
  maxRequestBytes: byteSize
    .optional()
    .describe('The largest request body, unpacked; larger ones are refused with 413.'),
  maxResponseBytes: byteSize
    .optional()
    .describe(
      'The largest answer that is not streamed, and what of a stream may come before its first content; larger ones are broken off.',
    ),
  loadShedding: z
    .strictObject({
      maxInFlight: whole.optional().describe('Calls in flight at a time.'),
      maxEventLoopDelay: patience.describe(
        'How late timers of the process may be, by the median of half a second; none: this is not looked at.',
      ),
      batchThreshold: someShare
        .optional()
        .describe(
          'The share of each limit, and of maxInFlightBytes, from which batch calls are refused; interactive ones are from the whole of it.',
        ),
      batchMinimum: share
        .optional()
        .describe(
          'The share of maxInFlight that batch calls keep, beside it, while interactive ones take all of it.',
        ),
    })
    .optional()
    .describe('When calls are refused with 529 since the gateway is saturated, the least important first.'),
  maxConnections: whole.optional().describe('Connections at a time; more are closed at once.'),
  stallTimeout: patience.describe('How long a client may take none of what is written to it.'),
  bodyTimeout: patience.describe('How long a client may send nothing of a request body that it has begun.'),
  headersTimeout: someTime.optional().describe('How long the headers of a request may take.'),
  keepAliveTimeout: someTime
    .optional()
    .describe(
      "How long an idle connection of a client stays open; longer than a load balancer's in front of it.",
    ),
  drainDelay: duration
    .optional()
    .describe(
      'How long calls are still taken when the gateway is stopped, while /readyz answers 503: longer than a load balancer needs to notice.',
    ),
  drainFor: duration
    .optional()
    .describe('How long calls in flight may continue when the gateway is stopped.'),
  live: z
    .strictObject({
      maxClients: whole.optional().describe('Viewers at a time.'),
      maxWaiting: bufferSize
        .optional()
        .describe('Bytes that wait for a viewer; a slower one is disconnected.'),
      pingEvery: someTime.optional().describe('Interval of pings to a viewer.'),
    })
    .optional()
    .describe('The live view of the dashboard.'),
  log: z
    .strictObject({
      format: z
        .enum(['pretty', 'json'], { error: 'expected pretty or json' })
        .optional()
        .describe('For people, or one JSON object a line.'),
      level: z
        .enum(['error', 'warn', 'info'], { error: 'expected error, warn or info' })
        .optional()
        .describe('The least important that is said.'),
      file: z
        .string({ error: 'expected the path of a file' })
        .min(1)
        .optional()
        .describe('A file in place of standard output and standard error.'),
    })
    .optional()
    .describe('How the gateway says what happens.'),
})

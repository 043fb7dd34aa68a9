import { z } from 'zod'
import type { Config } from './config.ts'
import { age, byteSize, count, duration, proxy, someTime, whole, yesOrNo } from './values.ts'

const auditKey = z.string().regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[A-Za-z0-9._-]+)$/, {
  error: 'expected env:NAME or vault:NAME; a key itself never belongs in a configuration file',
})

/** `storage` of the file. */
export const storage: z.ZodType<Config['storage']> = z
  .strictObject({
    url: z
      .string()
      .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+|env:[A-Za-z_][A-Za-z0-9_]*)$/, {
        error:
          'expected sqlite:FILE, postgres://…, or env:NAME for an environment variable that holds one of these',
      })
      .describe('Where the ledger and the audit log are kept.'),
    journal: z
      .string()
      .min(1)
      .optional()
      .describe('A folder of this gateway alone for rows that wait while the database is unavailable.'),
    auditKey: z
      .union([auditKey, z.array(auditKey).min(1)], {
        error: 'expected env:NAME or vault:NAME, or a list of them, the newest first',
      })
      .optional()
      .describe(
        'Signs the audit log: env:NAME or vault:NAME, 32 characters or more; in a list the first one signs, and those that it replaced follow.',
      ),
    retention: z
      .strictObject({
        calls: age.describe('How long calls are kept one by one.'),
        sums: age.describe('How long the sums are kept that the dashboard and bills are read from.'),
        audit: age.describe('How long entries of the audit log are kept.'),
        every: someTime.optional().describe('How often expired rows are removed.'),
      })
      .optional()
      .describe('Which rows expire, and when.'),
    writer: z
      .strictObject({
        maxBuffered: whole
          .optional()
          .describe('Rows that wait in memory; further ones are lost and counted.'),
        maxRows: whole.optional().describe('Rows in one transaction.'),
        maxWait: duration
          .optional()
          .describe('How long a row waits for others. So much is lost when the process is killed.'),
        maxJournalBytes: byteSize
          .optional()
          .describe(
            'Size of the journal on disk while the database is unavailable; further rows are lost and counted.',
          ),
        writeTimeout: someTime
          .optional()
          .describe('How long the database may take for a batch before it counts as unavailable.'),
      })
      .optional()
      .describe('How rows of calls, attempts and the audit log get into the database.'),
    reads: z
      .strictObject({
        timeout: someTime.optional().describe('How long a view of the dashboard may take.'),
        maxWaiting: count.optional().describe('Views that wait for others at a time.'),
      })
      .optional()
      .describe('What views of the dashboard may take of the database.'),
    postgres: z
      .strictObject({
        connections: whole.optional().describe('Connections for writing, and as many for views.'),
        connectTimeout: someTime.optional().describe('How long a connection may take.'),
        statementTimeout: someTime
          .optional()
          .describe('How long PostgreSQL may take for a statement that writes.'),
      })
      .optional()
      .describe('With a URL of PostgreSQL: how it is connected to.'),
  })
  .optional()

/** `state` of the file. */
export const state: z.ZodType<Config['state']> = z
  .strictObject({
    redis: z
      .string()
      .regex(/^rediss?:\/\//, { error: 'expected a URL such as redis://127.0.0.1:6379' })
      .optional()
      .describe('Limits and circuits are shared with all gateways of the same Redis.'),
    prefix: z
      .string({ error: 'expected a text' })
      .min(1)
      .optional()
      .describe('What the keys of limits in Redis begin with.'),
    timeout: someTime
      .optional()
      .describe('How long an admission waits for Redis before this gateway uses its local share.'),
    recovery: duration
      .optional()
      .describe('How long a gateway keeps to its share after Redis has come back without its data.'),
    lease: someTime.optional().describe('How long the place of a call outlives its gateway.'),
    processes: whole
      .optional()
      .describe('Gateways that share the limits: what one divides them by that has never reached Redis.'),
  })
  .optional()

/** `telemetry` of the file. */
export const telemetry: z.ZodType<Config['telemetry']> = z
  .strictObject({
    otlp: z
      .url({ protocol: /^https?$/, error: 'expected an http or https URL, such as http://127.0.0.1:4318' })
      .nullable()
      .optional()
      .describe('A collector that spans and metrics are sent to.'),
    proxy: proxy.describe(
      'The proxy to reach it through. By default what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say; none for no proxy.',
    ),
    exportEvery: someTime.optional().describe('How often metrics are sent to it.'),
    captureContent: yesOrNo
      .optional()
      .describe('Whether spans carry prompts and answers, and the page of a call shows them.'),
    maxContentLength: whole
      .optional()
      .describe('Longer prompts and answers are left out of spans, in characters.'),
    conventions: z
      .enum(['published', 'latest'], { error: 'expected published or latest' })
      .optional()
      .describe('Which names of the GenAI conventions are written.'),
    maxModels: whole
      .optional()
      .describe('Models that the labels of metrics tell apart; further ones are counted together as _OTHER.'),
  })
  .optional()

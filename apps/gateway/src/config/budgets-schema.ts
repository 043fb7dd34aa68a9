import { z } from 'zod'
import { limitError, limitPattern, parseLimit, type WrittenLimit } from '../budgets/limit-text.ts'
import type { BudgetsConfig } from './config.ts'

const limit: z.ZodType<WrittenLimit, string> = z
  .string({ error: limitError })
  .regex(limitPattern, { error: limitError })
  .transform((text, context) => {
    const parsed = parseLimit(text)
    if (typeof parsed !== 'string') return parsed
    context.addIssue({ code: 'custom', message: parsed })
    return z.NEVER
  })

export const limits: z.ZodType<readonly WrittenLimit[] | undefined> = z
  .array(limit, { error: `expected a list of limits; ${limitError}` })
  .max(20, { error: 'expected at most 20 limits' })
  .superRefine((all, context) => {
    const seen = new Set<string>()
    all.forEach(({ unit, period, hard }, index) => {
      const name = `${unit} ${period} ${hard}`
      const message = `there is another limit of ${unit} a ${period}; of two the lower one holds`
      if (seen.has(name)) context.addIssue({ code: 'custom', path: [index], message })
      seen.add(name)
    })
  })
  .optional()

/** `budgets` of the file. */
export const budgets: z.ZodType<BudgetsConfig> = z
  .strictObject({
    all: limits.describe('For all callers together, such as usd=5000/month or requests=600/minute.'),
    eachClient: limits.describe(
      'For each caller without a limit of the same unit and period: a client, or without server.auth: keys everyone with the same key.',
    ),
    contact: z
      .string({ error: 'expected a line of text' })
      .regex(/^[^\r\n]{1,200}$/, { error: 'expected one line of at most 200 characters' })
      .optional()
      .describe('What the error of a spent budget asks callers to do, such as "ask in #claude-budgets".'),
  })
  .describe('What may be used in each minute, day, week and month (UTC), in requests, tokens and USD.')

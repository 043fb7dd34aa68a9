import { z } from 'zod'
import { expectedPriority, type Priority } from '../shedding/priority.ts'
import { byteSizePattern, parseByteSize } from './byte-size.ts'
import { agePattern, durationPattern, parseAge, parseDuration } from './duration.ts'

// What keys of the configuration take, each with an error that says what is expected.

export const duration: z.ZodType<number, string> = z
  .string({ error: 'expected a duration such as 250ms, 10s or 2m' })
  .regex(durationPattern, { error: 'expected a duration such as 250ms, 10s or 2m' })
  .transform((text) => parseDuration(text) as number)

export const someTime: z.ZodType<number, string> = duration.refine((ms) => ms > 0, {
  error: 'expected a duration above 0',
})

export const limit: z.ZodType<number | undefined, string | undefined> = z
  .union([duration, z.literal('none').transform(() => Infinity)], {
    error: 'expected a duration such as 250ms, 10s or 2m, or none',
  })
  .optional()

/** How long something is waited for. */
export const patience: z.ZodType<number | undefined, string | undefined> = z
  .union([someTime, z.literal('none').transform(() => Infinity)], {
    error: 'expected a duration above 0 such as 30s or 2m, or none',
  })
  .optional()

const ageError = 'expected a length such as 90d or 12h, or forever'
export const age: z.ZodType<number | undefined, string | undefined> = z
  .union(
    [
      z
        .string()
        .regex(agePattern)
        .transform((text) => parseAge(text) as number)
        .refine((ms) => ms > 0),
      z.literal('forever').transform(() => Infinity),
    ],
    { error: ageError },
  )
  .optional()

export const share: z.ZodNumber = z.number({ error: 'expected a number from 0 to 1' }).min(0).max(1)
export const someShare: z.ZodNumber = share.gt(0, { error: 'expected a number above 0, up to 1' })
export const atLeastOne: z.ZodNumber = z
  .number({ error: 'expected a number of 1 or more' })
  .min(1, { error: 'expected a number of 1 or more' })
export const whole: z.ZodInt = z.int({ error: 'expected a whole number above 0' }).positive()

const sizeError = 'expected a number of bytes, or a size such as 512MiB or 1GB'
export const byteSize: z.ZodType<number, string | number> = z
  .union(
    [
      z.int().positive(),
      z
        .string()
        .regex(byteSizePattern)
        .transform((text) => parseByteSize(text) as number),
    ],
    { error: sizeError },
  )
  .refine((bytes) => bytes >= 1024 * 1024, { error: 'expected at least 1MiB' })

const smallError = 'expected a number of bytes, or a size such as 64KiB or 1MiB, of at least 1KiB'

/** Of a buffer. */
export const bufferSize: z.ZodType<number, string | number> = z
  .union(
    [
      z.int(),
      z
        .string()
        .regex(byteSizePattern)
        .transform((text) => parseByteSize(text) as number),
    ],
    {
      error: smallError,
    },
  )
  .refine((bytes) => bytes >= 1024, { error: smallError })

const countError = 'expected a whole number of 0 or more'
export const count: z.ZodInt = z.int({ error: countError }).min(0, { error: countError })

export const yesOrNo: z.ZodBoolean = z.boolean({ error: 'expected true or false' })

export const name: z.ZodString = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
  error: 'expected a name of letters, digits, dots, dashes and underscores',
})

export const priority: z.ZodType<Priority> = z.union(
  [z.enum(['interactive', 'batch']), z.int().min(0).max(9)],
  { error: expectedPriority },
)

/** How a server is reached from where only a proxy can. */
export const proxy: z.ZodType<string | undefined> = z
  .string({ error: 'expected a text' })
  .regex(/^(none|env:\w+|https?:\/\/[^/@\s]+\/?)$/, {
    error:
      'expected none, env:NAME, or the URL of a proxy such as http://proxy.example.com:3128; one with a password goes into a variable',
  })
  .optional()

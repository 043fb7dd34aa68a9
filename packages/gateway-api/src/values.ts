import { z } from 'zod'

// What all answers are made of. Nothing of them is changed by whoever reads them.

export const integer = z.int()
export const text = z.string()
export const number = z.number()

/** Whole nano-dollars: a sum of them may be larger than a number can tell exactly. */
export const money = z.string().regex(/^\d+$/).describe('Whole nano-dollars.')

export const time = integer.describe('Milliseconds since the Unix epoch.')

/** What the configuration calls a tenant that is a fingerprint. */
export const tenantName = text
  .nullable()
  .describe('What `tenants.names` of the configuration calls the tenant; null where it has no name there.')

export const duration = number.describe('Milliseconds.')

export const object = <T extends z.ZodRawShape>(shape: T) => z.object(shape).readonly()

export const list = <T extends z.ZodType>(item: T) => z.array(item).readonly()

/** A name in the description, so that other shapes refer to it. */
export const named = <T extends z.ZodType>(id: string, schema: T): T => schema.meta({ id }) as T

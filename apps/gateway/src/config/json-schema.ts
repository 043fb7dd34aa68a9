import { z } from 'zod'
import { configSchema } from './schema.ts'

/** The JSON schema of the configuration file, for editors: as text, with a final line feed. */
export function configJsonSchema(): string {
  const schema = { title: 'Spillway configuration', ...z.toJSONSchema(configSchema, { io: 'input' }) }
  return `${JSON.stringify(schema, null, 2)}\n`
}

import { createHash } from 'node:crypto'

/** Settings for Claude Code, as it asks for them. */
export interface ManagedSettings {
  readonly body: Buffer
  readonly etag: string
}

/** The checksum is that of the settings with sorted keys and without spaces, so that gateways with the same ones agree. */
export function managedSettings(settings: Readonly<Record<string, unknown>>): ManagedSettings {
  const digest = createHash('sha256').update(canonical(settings)).digest('hex')
  const uuid = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`
  return {
    body: Buffer.from(JSON.stringify({ uuid, checksum: `sha256:${digest}`, settings })),
    etag: `"sha256:${digest}"`,
  }
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`
}

/** The snapshot of each name without a date, of models that clouds sell by their date. */
const snapshots: Readonly<Record<string, string>> = {
  'claude-haiku-4-5': '20251001',
  'claude-opus-4-5': '20251101',
  'claude-sonnet-4-5': '20250929',
  'claude-opus-4-1': '20250805',
  'claude-opus-4': '20250514',
  'claude-sonnet-4': '20250514',
  'claude-3-7-sonnet': '20250219',
  'claude-3-5-haiku': '20241022',
  'claude-3-5-sonnet': '20241022',
  'claude-3-haiku': '20240307',
  'claude-3-opus': '20240229',
}

/** The first-party name of a model and the date of its snapshot; without a date for Claude 4.6 and later, which have none. */
export interface DatedName {
  readonly name: string
  readonly date: string | undefined
}

/** Takes `claude-sonnet-4-5-20250929`, `claude-sonnet-4-5`, `claude-sonnet-4-0` and `claude-3-7-sonnet-latest`. */
export function datedName(model: string): DatedName {
  const [, plain = model, date] = /^(claude-.+?)-(\d{8})$/.exec(model) ?? []
  const name = plain.replace(/-latest$/, '').replace(/^(claude-(?:opus|sonnet)-4)-0$/, '$1')
  return { name, date: date ?? snapshots[name] }
}

/** The version of a Claude: `[4, 5]`; undefined for names that say none. */
export function versionOf(model: string): readonly [major: number, minor: number] | undefined {
  const found = /claude-(?:[a-z]+-)?(\d)(?:[-.](\d{1,2})(?!\d))?/.exec(model)
  return found === null ? undefined : [Number(found[1]), Number(found[2] ?? 0)]
}

/** Whether a model is this version or a later one; names that say no version count as the newest. */
export function isFrom(model: string, major: number, minor: number): boolean {
  const version = versionOf(model)
  if (version === undefined) return true
  return version[0] > major || (version[0] === major && version[1] >= minor)
}

/** The version of the API that Claude 4.7 and later know at clouds too. */
const newVersion = '2026-10-21'

/**
 * The `anthropic_version` for a call at a cloud: the caller's own where the model knows it, else the cloud's name for the first.
 * @param asked the caller's `anthropic-version`
 */
export function apiVersion(model: string, asked: string | undefined, first: string): string {
  return asked !== undefined && asked >= newVersion && isFrom(model, 4, 7) ? newVersion : first
}

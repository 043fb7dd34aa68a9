/** Excel reads a file without it in the code page of its machine, not as UTF-8. */
const byteOrderMark = '\ufeff'

/** A file of comma-separated values (RFC 4180) from flat rows, with a line of names; nested objects become `outer.inner`. */
export function csvOf(rows: readonly object[]): string {
  const flat = rows.map((row) => flatten(row))
  const names = [...new Set(flat.flatMap((row) => Object.keys(row)))]
  const lines = [names, ...flat.map((row) => names.map((name) => row[name]))]
  return byteOrderMark + lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('')
}

function flatten(row: object, before = ''): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(flatten(value, `${before}${name}.`))
        : [[`${before}${name}`, value]],
    ),
  )
}

/** Spreadsheets would run what begins so; callers choose names of models and tenants. */
const formula = /^[=+\-@\t\r]/

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = String(value)
  const safe = formula.test(text) ? `'${text}` : text
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

import { renameSync, writeFileSync } from 'node:fs'

/** Writes a file as deployments do: whoever reads it has the old one or the new one. */
export function replaceFile(file: string, text: string): void {
  const next = `${file}.next`
  writeFileSync(next, text, { mode: 0o600 })
  renameSync(next, file)
}

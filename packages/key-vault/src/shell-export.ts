import type { Secret } from './secret.ts'

/** Lines that set environment variables in any POSIX shell: `export NAME='…'`. This shows the secrets. */
export function shellExport(variables: { readonly [variable: string]: Secret }): string {
  return Object.entries(variables)
    .map(([variable, secret]) => `export ${variable}='${secret.expose().replaceAll("'", `'\\''`)}'\n`)
    .join('')
}

import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'

interface ExportProps {
  /** The question of the API whose answer is exported. */
  readonly path: string
  readonly parameters: Readonly<Record<string, string | undefined>>
}

/** What is seen, as files. */
export function Export({ path, parameters }: ExportProps): JSX.Element {
  return (
    <span class="export">
      Export{' '}
      <a href={apiPath(path, { ...parameters, format: 'csv' })} download={`${path}.csv`}>
        CSV
      </a>{' '}
      <a href={apiPath(path, parameters)} download={`${path}.json`}>
        JSON
      </a>
    </span>
  )
}

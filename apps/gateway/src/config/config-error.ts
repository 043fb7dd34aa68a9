/** One thing wrong with a configuration file. */
export interface ConfigProblem {
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** Where in the document, such as `targets.claude.endpoints[0].url`. */
  readonly key: string
  readonly message: string
  /** Whether a gateway does not start with it, though the file is right: something is missing beside it. */
  readonly stopsStart?: boolean
}

/** A configuration file that cannot be used. Its message lists every problem with file, line and key. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
  readonly file: string
  readonly problems: readonly ConfigProblem[]

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super(problems.map((problem) => formatProblem(file, problem)).join('\n'))
    this.file = file
    this.problems = problems
  }
}

export function formatProblem(file: string, { line, column, key, message }: ConfigProblem): string {
  return `${file}:${line}:${column}  ${key === '' ? '' : `${key}: `}${message}`
}

/** How a store connects to PostgreSQL. */
export interface PostgresOptions {
  /**
   * Connections for writing, and as many for views.
   * @default 4
   */
  readonly connections?: number | undefined
  /**
   * How long a connection may take, and a statement wait for one, in milliseconds.
   * @default 2000
   */
  readonly connectTimeout?: number | undefined
  /**
   * How long PostgreSQL may take for a statement that writes, in milliseconds.
   * @default 15000
   */
  readonly statementTimeout?: number | undefined
}

/** The defaults of {@link PostgresOptions}. */
export const postgresDefaults: Readonly<
  Record<'connections' | 'connectTimeout' | 'statementTimeout', number>
> = { connections: 4, connectTimeout: 2000, statementTimeout: 15_000 }

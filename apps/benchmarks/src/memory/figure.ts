/** A line of the report. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What it has to be below; undefined where it is for information. */
  readonly below?: number
}

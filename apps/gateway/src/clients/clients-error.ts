/** An error whose message says all there is to say. */
export class ClientsError extends Error {
  readonly isForPeople = true
  /** What is wrong: `missing` for a client that is not there, `conflict` for one that is in the way or cannot be used any more. */
  readonly kind: 'missing' | 'conflict' | 'file'

  constructor(message: string, kind: ClientsError['kind'] = 'file') {
    super(message)
    this.kind = kind
  }
}

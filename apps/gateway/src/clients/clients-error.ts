/** An error whose message says all there is to say. */
export class ClientsError extends Error {
  readonly isForPeople = true
}

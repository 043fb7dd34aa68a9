/** An act that may not be, for a reason that its caller may know. */
export class Refused extends Error {
  readonly status: 403 | 404 | 409 | 412

  constructor(status: Refused['status'], message: string) {
    super(message)
    this.status = status
  }
}

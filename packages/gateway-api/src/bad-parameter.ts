/** What is wrong with a question, for whoever asked it. */
export class BadParameter extends Error {
  readonly parameter: string

  constructor(parameter: string, message: string) {
    super(`${parameter}: ${message}`)
    this.parameter = parameter
  }
}

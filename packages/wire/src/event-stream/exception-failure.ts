import type { Failure } from '@spillway/middleware'
import { parseBounded } from '../bounded-json.ts'
import { classifyErrorBody } from '../failure-classification.ts'
import { field, stringField } from '../usage.ts'

/** What an exception in a stream of the Bedrock runtime says. @param data its JSON */
export function bedrockException(name: string, data: string): Failure {
  const said = parseBounded(data)
  const message = stringField(said, 'message')
  return classifyErrorBody({
    error: { code: name, message, http_status: field(said, 'originalStatusCode') },
  })
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { BadParameter } from '@spillway/gateway-api'
import { ClientsError } from '../clients/clients-error.ts'
import { sendError } from '../operators/answer-json.ts'
import { Refused } from '../operators/refused.ts'
import { TooManyReads } from './shared-reads.ts'

/** The query of a request. */
export const queryOf = ({ url = '' }: IncomingMessage): URLSearchParams =>
  new URLSearchParams(/\?([^#]*)/.exec(url)?.[1])

const later = { 'retry-after': '5' }

/** Says why a question or an act failed, as far as who asks may know. */
export function sendProblem(
  res: ServerResponse,
  path: string,
  error: unknown,
  log: (line: string) => void,
): void {
  if (error instanceof BadParameter) return sendError(res, 400, error.message)
  if (error instanceof Refused) return sendError(res, error.status, error.message)
  if (error instanceof ClientsError && error.kind !== 'file')
    return sendError(res, error.kind === 'missing' ? 404 : 409, error.message)
  if (error instanceof TooManyReads) return sendError(res, 503, error.message, later)
  // What a database or a file system says may show where things are, and who asks for them.
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'SPILLWAY_READS_BUSY' || code === 'SPILLWAY_READ_TIMEOUT')
    return sendError(res, 503, (error as Error).message, later)
  if (path.startsWith('/api/clients')) {
    log(`${path} failed: ${(error as Error).message}`)
    return sendError(res, 503, 'the clients cannot be read or written now; the log says why', later)
  }
  log(`${path} failed: ${code ?? (error as Error).name}`)
  sendError(res, 503, 'the ledger does not answer; calls are served, and their rows wait: see /readyz', later)
}

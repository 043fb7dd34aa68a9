import { subscribe } from 'node:diagnostics_channel'

/** The variable of the environment with the bytes that each request is to leave behind. */
export const leakVariable = 'SPILLWAY_PROOF_LEAK'

/** Bytes of one piece that is kept; they are allocated by `malloc`, as the buffers of sockets are. */
const piece = 4_096

/** From now on each request to this process leaves so many bytes behind, outside of the heap of V8: what a proof must find. */
export function leakPerRequest(bytes: number): void {
  const kept: Buffer[] = []
  let owed = 0
  subscribe('http.server.request.start', () => {
    // One that is written to is resident.
    for (owed += bytes; owed >= piece; owed -= piece) kept.push(Buffer.alloc(piece, 1))
  })
}

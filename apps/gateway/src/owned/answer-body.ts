import type { ServerResponse } from 'node:http'
import { isVendorLimit, omitHeaders } from '@spillway/wire/internal'
import { responseHeaders } from '../server/response-sink.ts'

/** Answers about batches and files are held, so that their addresses can be changed; a list has a thousand at most. */
const largestAnswer = 8 * 1024 * 1024

/** What is said with an answer. */
export interface Said {
  readonly own: Record<string, string>
  /** Whether the vendor's words about the limits of its key stay here. */
  readonly hidesLimits: boolean
}

/** Counts what a body says was used, while it passes. */
export interface Counting {
  push(chunk: Uint8Array): void
  end(): void
}

/** Passes a body on as it comes, at the pace of the client. */
export async function download(
  res: ServerResponse,
  pieces: AsyncIterable<Uint8Array>,
  answer: Response,
  { counting, ...said }: Said & { readonly counting: Counting | undefined },
): Promise<void> {
  res.writeHead(answer.status, passed(answer, said))
  try {
    for await (const chunk of pieces) {
      counting?.push(chunk)
      if (!res.write(chunk)) await drained(res)
      if (res.destroyed) return
    }
    counting?.end()
    res.end()
  } catch {
    // What has broken off must not look like an end.
    res.destroy()
  }
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      res.off('drain', done).off('close', done)
      resolve()
    }
    res.on('drain', done).on('close', done)
  })
}

export async function readText(pieces: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of pieces) {
    size += chunk.length
    if (size > largestAnswer) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** Bodies come decoded, and their length may change. */
export function passed(answer: Response, { own, hidesLimits }: Said): ReturnType<typeof responseHeaders> {
  const all = Object.fromEntries(answer.headers)
  const headers = hidesLimits ? (omitHeaders(all, isVendorLimit) as typeof all) : all
  const { 'content-encoding': encoding, 'content-length': length, ...others } = headers
  const isWhole = encoding === undefined && length !== undefined
  return responseHeaders(isWhole ? { ...others, 'content-length': length } : others, own)
}

/** SDKs go to the address of the results as it is told: with the caller's key, and past this gateway. */
export function withOwnAddresses(text: string, origin: string): string {
  return text.replace(
    /("results_url"\s*:\s*")https?:\/\/[^"\\]*(\/v1\/messages\/batches\/[\w-]{1,128}\/results")/g,
    (_, name: string, path: string) => `${name}${origin}${path}`,
  )
}

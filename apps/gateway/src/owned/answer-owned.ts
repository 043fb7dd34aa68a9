import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Entry } from '@spillway/ledger'
import type { Api, Clock, Failure, Timeouts } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
import { headerFence, normaliseBaseUrl, timeoutFailure, transportFailure } from '@spillway/wire'
import { forwardedQuery, parseBounded } from '@spillway/wire/internal'
import type { Client } from '../clients/client-directory.ts'
import type { Config } from '../config/config.ts'
import { protocolOf } from '../server/answer-models.ts'
import { pathOf } from '../server/call-paths.ts'
import { callerError, refuse } from '../server/refusal.ts'
import type { StallWatch } from '../server/stall-watch.ts'
import { callerFrom } from '../server/tenant.ts'
import type { RunningTarget } from '../targets.ts'
import { type Counting, download, passed, readText, withOwnAddresses } from './answer-body.ts'
import { BatchUsage } from './batch-usage.ts'
import { batchRows } from './book-batch.ts'
import { type Choosing, ownerOf, placeOf } from './choose-owner.ts'
import { guardUpload, NamesOthers } from './guard-upload.ts'
import { ownAlone } from './own-alone.ts'
import { idsIn, type OwnedPath } from './owned-path.ts'
import type { Candidate, Owner, Owners } from './owners.ts'
import { isRefused, notFound, unknownIdsOf } from './ownership.ts'
import { Patience } from './patience.ts'
import { openUpload, UploadTooLarge } from './upload.ts'

/** What Anthropic takes, in bytes; OpenAI takes no more. */
const largest = { batches: 256 * 1024 * 1024, files: 512 * 1024 * 1024 }
/** How long an answer to anything but an upload may take to begin, in milliseconds. */
const longestSilence = 60_000
/** Batches that are known to be booked; the books themselves take each once. */
const mostBooked = 10_000

export interface OwnedOptions {
  readonly config: () => Config
  readonly targets: ReadonlyMap<string, RunningTarget>
  /** @param reader who has read the results, where clients are authenticated */
  readonly book: (entries: readonly Entry[], reader: Client | undefined) => void
  /** Who owns what. */
  readonly owners: Owners
  readonly clock: Clock
}

/** What answers requests about batches and files. */
export type AnswerOwned = (
  req: IncomingMessage,
  res: ServerResponse,
  path: OwnedPath,
  server: {
    readonly origin: string
    readonly fingerprint: (key: string) => string
    /** Who asks, where clients are authenticated: then each sees nothing but what it has made. */
    readonly client?: Client | undefined
    /** The protocol of the client, where its headers no longer tell. */
    readonly spoken?: Api | undefined
    readonly stalls: StallWatch
    readonly timeouts: Timeouts
  },
) => Promise<void>

/**
 * Passes requests about batches and files on to the endpoint whose key has made them, without holding what is uploaded and
 * downloaded. What a batch has used is booked when its results have been read to their end.
 */
export function openOwned({ config, targets, book, owners, clock }: OwnedOptions): AnswerOwned {
  const booked = new RecentMap<true>(mostBooked)
  return async (req, res, path, { origin, fingerprint, client, spoken, stalls, timeouts }) => {
    const api = path.api ?? (path.id?.startsWith('file-') ? 'openai' : (spoken ?? protocolOf(req.headers)))
    const { tenant } = callerFrom(req.headers, fingerprint, client)
    const { 'x-spillway-target': named } = req.headers
    const asked = typeof named === 'string' ? named : undefined
    const choosing: Choosing = {
      config: config(),
      targets,
      owners,
      api,
      kind: path.kind,
      tenant,
      asked,
      isOwnAlone: client !== undefined && unknownIdsOf(config()) === 'refuse',
      mayReach: client?.mayReach,
    }
    const headers = headersFor(api, req)
    const patience = new Patience(clock)
    res.on('close', () => {
      if (!res.writableFinished) patience.leave()
    })
    if (req.headers.expect !== undefined) res.writeContinue()
    const isUpload = req.method === 'POST' && path.id === undefined
    // What is encoded cannot be read, and no vendor says that it takes that.
    const encoding = req.headers['content-encoding'] ?? 'identity'
    if (isUpload && client !== undefined && encoding !== 'identity') {
      req.resume()
      const message = 'content-encoding: uploads of clients are taken as they are, without an encoding'
      return refuse(res, api, callerError('invalid_request', message, 415))
    }
    const upload = isUpload ? await openUpload(req, largest[path.kind], stalls) : undefined
    // Asking who owns it and its own answer have one limit.
    const longest = isUpload ? timeouts.total : Math.min(timeouts.total, longestSilence)
    const until = clock.now() + longest
    // Once for all that is decided by it.
    const known = path.id === undefined ? undefined : await patience.wait(longest, owners.of(path.id))
    const place =
      path.id === undefined
        ? await patience.wait(longest, placeOf(upload?.beginning ?? '', choosing))
        : await patience.wait(longest, ownerOf(path, choosing, { known, headers, signal: patience.signal }))
    if ('kind' in place) {
      void upload?.body.cancel()
      return refuse(res, api, patience.isOver ? timeoutFailure('headers', longest) : place)
    }
    const isGuarded = client !== undefined && (path.kind === 'batches' || api !== 'anthropic')
    const body =
      upload && isGuarded
        ? guardUpload(
            upload.body,
            (id) => isRefused(owners, id, client.name, unknownIdsOf(config())),
            path.kind === 'files',
          )
        : upload?.body
    const sending = { body, longest: Math.max(0, until - clock.now()), patience }
    const answer = await send(place, req, headers, sending)
    if ('kind' in answer) return res.destroyed ? undefined : refuse(res, api, answer)
    const owner: Owner = { target: place.target, endpoint: place.endpoint.name, tenant }
    // What was found by asking belongs to whoever is not known.
    const found = path.id === undefined ? undefined : { ...owner, tenant: undefined }
    const owned: Owned = { owner, known: known ?? found, client }
    const said = {
      own: { 'x-spillway-served-by': place.target },
      hidesLimits: place.endpoint.isShared === true,
    }
    const isDownload = path.action === 'results' || path.action === 'content'
    if (isDownload)
      return download(res, patience.pieces(answer.body, timeouts.idle), answer, {
        ...{ ...said, counting: usageOf(path, place, answer, owned) },
      })
    const text = await readText(patience.pieces(answer.body, timeouts.idle)).catch(() => undefined)
    if (text === undefined || (answer.ok && parseBounded(text) === undefined))
      return refuse(
        res,
        api,
        callerError('malformed', 'the answer is not JSON, too large, or incomplete', 502),
      )
    if (answer.ok) learn(text, path, req.method ?? '', owned)
    const isList = path.id === undefined && req.method === 'GET'
    const seen = answer.ok && isList && client ? await ownAlone(text, owners, client.name) : text
    const bytes = Buffer.from(withOwnAddresses(seen, origin))
    res.writeHead(answer.status, { ...passed(answer, said), 'content-length': bytes.length })
    res.end(bytes)
  }

  /** Only from what has just been made, and from a batch that says which files its results are: lists show what is others'. */
  function learn(text: string, path: OwnedPath, method: string, { owner: maker, known: owner }: Owned): void {
    if (method === 'DELETE') return owners.forget(path.id ?? '')
    const ids = idsIn(text)
    const made = ids.find(({ field }) => field === 'id')
    if (path.id === undefined) {
      if (method === 'POST' && made !== undefined) owners.learn(made.id, maker)
      return
    }
    for (const { field, id } of ids) {
      if (owner !== undefined && (field === 'output_file_id' || field === 'error_file_id'))
        owners.learn(id, { ...owner, resultsOf: path.id })
    }
  }

  /** What counts the results of a batch while they pass, and books them at their end. */
  function usageOf(
    path: OwnedPath,
    place: Candidate,
    answer: Response,
    { owner, known, client }: Owned,
  ): Counting | undefined {
    const id = path.action === 'results' ? path.id : known?.resultsOf
    const settings = config().targets[place.target]
    if (id === undefined || settings === undefined || !answer.ok) return undefined
    // Of one batch OpenAI has two files.
    const name = path.action === 'results' ? id : `${id}-${path.id}`
    if (booked.get(name)) return undefined
    const at = clock.epoch()
    const { provider, prices } = place.endpoint.paid ?? { provider: settings.api, prices: undefined }
    const usage = new BatchUsage({ provider, at, prices })
    return {
      push: (chunk) => usage.push(chunk),
      end() {
        booked.set(name, true)
        const api: Api = path.action === 'results' ? 'anthropic' : 'openai'
        book(
          batchRows({
            id: name,
            api,
            provider,
            owner,
            at: Math.round(at),
            models: usage.end(),
          }),
          client,
        )
      },
    }
  }
}

/** Whose a request is, and whose is what it names, as far as that is known. */
interface Owned {
  readonly owner: Owner
  readonly known: Owner | undefined
  readonly client: Client | undefined
}

interface Sending {
  readonly body: ReadableStream<Uint8Array> | undefined
  /** Milliseconds until an answer has begun. */
  readonly longest: number
  readonly patience: Patience
}

const fences = {
  anthropic: headerFence('anthropic', 'anthropic', { credentials: true }),
  openai: headerFence('openai', 'openai', { credentials: true }),
}

/** The caller's headers; endpoints with a key put theirs in the place of the caller's. */
function headersFor(api: Api, { headers }: IncomingMessage): Record<string, string> {
  const passes = fences[api === 'anthropic' ? 'anthropic' : 'openai']
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' && passes(name) ? [[name, value] as const] : [],
  )
  return Object.fromEntries(kept)
}

async function send(
  { endpoint }: Candidate,
  req: IncomingMessage,
  headers: Record<string, string>,
  { body, longest, patience }: Sending,
): Promise<Response | Failure> {
  const { client } = endpoint
  if (client === undefined) return callerError('not_found', 'the target has no batches and files', 404)
  const path = pathOf(req.url ?? '')
  const url = `${normaliseBaseUrl(client.baseUrl)}${path}${forwardedQuery(req.url ?? '')}`
  try {
    const { signal } = patience
    const init = {
      ...{ method: req.method ?? 'GET', headers, signal, redirect: 'manual' },
      ...(body !== undefined && { body: body as never, duplex: 'half' }),
    }
    return await patience.wait(longest, client.fetch(url, init as RequestInit))
  } catch (error) {
    if (patience.isOver) return timeoutFailure('headers', longest)
    const cause = error instanceof Error ? (error.cause ?? error) : error
    for (const each of [error, cause])
      if (each instanceof NamesOthers) return notFound({ id: each.id, what: 'file' })
    if (error instanceof UploadTooLarge || cause instanceof UploadTooLarge)
      return callerError('too_large', (cause as Error).message)
    return transportFailure(cause)
  }
}

import { type RecognisedCall, recogniseCall } from '@spillway/wire'
import type { CallPath } from './base-url-advice.ts'

/** The path of a request's URL, without its query. */
export const pathOf = (url: string): string => url.replace(/[?#].*$/s, '')

/** The paths of model calls: exactly these, whatever the query. */
export const callPaths: ReadonlySet<string> = new Set([
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/responses/input_tokens',
])

/** The same with their protocols. */
export const calls: readonly CallPath[] = [...callPaths].flatMap((path) => {
  const call = recogniseCall('POST', path)
  return call === undefined ? [] : [{ path, api: call.api }]
})

/** Where Bedrock Mantle and Microsoft Foundry have the first-party API: below a path of its vendor. */
const ofClouds = '/anthropic'

/** Bedrock's `/model/{id}/…`, and Vertex AI's `/projects/…` with the version of its API or without it. */
const venuePath =
  /^(?:\/model\/|(?:\/v1(?:beta1)?)?\/projects\/[^/]+\/locations\/[^/]+\/publishers\/anthropic\/models\/)/

/**
 * The call at a path of the gateway; undefined for all other paths.
 * @param path without a query
 */
export function callAt(path: string): RecognisedCall | undefined {
  if (callPaths.has(path)) return recogniseCall('POST', path)
  if (isAtCloud(path)) return callAt(path.slice(ofClouds.length))
  return venuePath.test(path) ? recogniseCall('POST', path) : undefined
}

/** Whether it is a path of the clouds that take first-party calls, whose clients have their clouds' names of models and keys. */
export const isAtCloud = (path: string): boolean => path.startsWith(`${ofClouds}/v1/messages`)

/** Bedrock's own form for models of all vendors, and the other things that its runtime does with a model. */
const unservedOfBedrock = /^\/model\/.+\/(converse|converse-stream|invoke-with-bidirectional-stream)$/

/** Why a path of a cloud is not served, and what to call instead; undefined for all other paths. */
export function whyNotServed(path: string): string | undefined {
  const action = unservedOfBedrock.exec(path)?.[1]
  if (action === undefined) return undefined
  return `${action} is not served: call InvokeModel or InvokeModelWithResponseStream, whose bodies are Claude's own`
}

/** Whether answers to a path have the form of the Bedrock runtime, or of its control plane. */
export const isOfBedrock = (path: string): boolean => /^\/(?:model|inference-profiles)(?:\/|$)/.test(path)

export const isOfVertex = (path: string): boolean => venuePath.test(path) && !isOfBedrock(path)

/** Whether answers to a path name a call: all of model calls, and those below the paths of the vendors' APIs. */
export function hasCallId(url: string): boolean {
  if (url.startsWith('/v1/')) return true
  const path = pathOf(url)
  return isOfBedrock(path) || isOfVertex(path) || isAtCloud(path)
}

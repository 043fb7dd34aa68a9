import type { ServerResponse } from 'node:http'
import { firstPartyName } from '@spillway/venues'
import { callerError, refuse } from './refusal.ts'

const base = '/inference-profiles'

/** A question to the control plane of Bedrock about profiles: all, or the one of this name. */
export interface ProfilesAsked {
  readonly id: string | undefined
}

/** Recognises `/inference-profiles` and `/inference-profiles/{id}`, where ids may be ARNs, encoded or not. */
export function profilesAsked(path: string): ProfilesAsked | undefined {
  if (path === base || path === `${base}/`) return { id: undefined }
  if (!path.startsWith(`${base}/`)) return undefined
  const written = path.slice(base.length + 1)
  try {
    return { id: decodeURIComponent(written) }
  } catch {
    return { id: written }
  }
}

/**
 * Answers what Claude Code asks at its start in Bedrock mode. The list is empty: it takes the ids that it knows then, instead of those
 * listed. A single profile says which model it leads to, where its id tells.
 */
export function answerProfiles(res: ServerResponse, { id }: ProfilesAsked): void {
  if (id === undefined) return send(res, { inferenceProfileSummaries: [] })
  const name = firstPartyName(id)
  if (name === id || id.length > longestId) {
    const shown = id.slice(0, longestId)
    const message = `the inference profile ${shown} is not known here; name a model whose id tells which it is, such as us.anthropic.claude-sonnet-5-5`
    return refuse(res, { api: 'anthropic', venue: 'bedrock' }, callerError('not_found', message))
  }
  const profile = id.replace(/^.*\//s, '')
  send(res, {
    inferenceProfileArn: `arn:aws:bedrock:us-east-1::inference-profile/${profile}`,
    inferenceProfileId: profile,
    inferenceProfileName: name,
    models: [{ modelArn: `arn:aws:bedrock:us-east-1::foundation-model/anthropic.${name}` }],
    status: 'ACTIVE',
    type: 'SYSTEM_DEFINED',
  })
}

const longestId = 256

function send(res: ServerResponse, value: object): void {
  const body = Buffer.from(JSON.stringify(value))
  const headers = { 'content-type': 'application/json', 'x-amzn-requestid': crypto.randomUUID() }
  res.writeHead(200, { ...headers, 'content-length': body.length })
  res.end(body)
}

import { type Call, fieldsOf } from './answer.ts'
import type { Recording } from './recorded-request.ts'

/**
 * A call to Claude at a cloud, which names version and model otherwise, as Claude itself gets it.
 * @param own further fields that the cloud alone takes
 */
export function firstPartyCall(call: Call, model: string | undefined, own: readonly string[] = []): Call {
  const { anthropic_version, ...fields } = fieldsOf(call.request.json)
  const body = Object.fromEntries(Object.entries(fields).filter(([name]) => !own.includes(name)))
  const { tooLarge } = call.request
  const headers = { ...call.request.headers, 'anthropic-version': String(anthropic_version) }
  return { ...call, request: { json: { model, ...body }, headers, tooLarge } as unknown as Recording }
}

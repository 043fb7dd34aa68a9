import { deriveRequest, jsonBodyFromObject, type ModelRequest } from '@spillway/middleware'

/** The same request for another model; its body is encoded anew. */
export function withModel(request: ModelRequest, model: string): ModelRequest {
  if (request.model === model) return request
  return deriveRequest(request, { model, body: jsonBodyFromObject({ ...request.body.json, model }) })
}

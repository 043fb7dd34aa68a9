import { deriveRequest, type ModelRequest, withField } from '@spillway/middleware'

/** The same request for another model. Its body is parsed only where nobody has scanned it. */
export function withModel(request: ModelRequest, model: string): ModelRequest {
  if (request.model === model) return request
  return deriveRequest(request, { model, body: withField(request.body, 'model', model) })
}

import { compose, deriveRequest, type Handler, type Middleware, named } from '@spillway/middleware'

/** A handler with a name: an upstream that calls can be sent to. */
export interface Target {
  /** The name in `x-spillway-served-by`, in events and in metrics. */
  readonly name: string
  readonly handler: Handler
  /** The model that answers whatever model is asked for; undefined where the request decides. */
  readonly model?: string | undefined
}

export interface TargetOptions {
  /**
   * The model that this target is asked for, whatever model the call names.
   * @default the one that the call names
   */
  readonly model?: string | undefined
}

/** Names a handler: requests on their way to it carry the name, and so do its responses. */
export function target(name: string, handler: Handler, { model }: TargetOptions = {}): Target {
  const aimed: Middleware = (next) => (request) => {
    const context = { ...request.context, target: name }
    return next(deriveRequest(request, { context, model: model ?? request.model }))
  }
  named(aimed, `target ${name}`, { options: { model } })
  return { name, model, handler: compose([aimed], handler) }
}

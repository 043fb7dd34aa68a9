import { type Middleware, type ModelRequest, named } from '@spillway/middleware'
import { fieldOf } from '@spillway/middleware/kit'
import { refuse } from '@spillway/wire'

/**
 * A model in this process calls no tools. An answer that ignores them looks like one that needs none: an agent would stop
 * and report success. So a request with tools is `unfit`, unless it says itself that none is to be called.
 */
export function unfitTools(): Middleware {
  const refusing: Middleware = (next) => (request) => {
    if (!asksForTools(request)) return next(request)
    const message = `${request.context.target ?? request.model}: the model cannot use tools; set dropTools (in the gateway capabilities.tools: true) to let it answer without them`
    return Promise.resolve(refuse(request, { kind: 'unfit', message }))
  }
  return named(refusing, 'unfit tools')
}

function asksForTools({ operation, body }: ModelRequest): boolean {
  if (operation !== 'generate') return false
  try {
    const offered = [fieldOf(body, 'tools'), fieldOf(body, 'functions')]
    if (!offered.some((list) => Array.isArray(list) && list.length > 0)) return false
    const choice = fieldOf(body, 'tool_choice') ?? fieldOf(body, 'function_call')
    return choice !== 'none' && (choice as { type?: unknown } | undefined)?.type !== 'none'
  } catch {
    // The engine says what is wrong with such a body.
    return false
  }
}

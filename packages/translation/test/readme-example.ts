import { translate, wrapFetch } from '@spillway/translation'

/** A fetch for `@anthropic-ai/sdk` whose `baseURL` is a llama.cpp server. */
export const localFetch = wrapFetch(fetch, translate({ to: 'openai', dialect: 'local' }))

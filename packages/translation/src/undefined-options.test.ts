import { createRequest, type Handler } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { failureResponse } from '@spillway/wire'
import { expect, it } from 'vitest'
import { type FitOptions, fit, fitDefaults } from './fit.ts'
import { type TranslateOptions, translate, translateDefaults } from './translate.ts'

/** What goes to the target. */
async function sent(middleware: ReturnType<typeof fit>): Promise<unknown> {
  let body: unknown
  const target: Handler = async (request) => {
    body = request.body.json
    return failureResponse(request, {
      ...{ kind: 'server', message: '', retryable: true, scope: 'endpoint', origin: 'upstream' },
    })
  }
  const json = {
    model: 'claude-haiku-4-5',
    messages: [{ role: 'user', content: 'a' }],
    temperature: 0.5,
    thinking: { type: 'enabled', budget_tokens: 2_000 },
  }
  const request = { api: 'anthropic', model: json.model, stream: false, url: '/v1/messages' } as const
  await middleware(target)(createRequest({ ...request, body: jsonBodyFromObject(json) }))
  return body
}

it.each(Object.keys(fitDefaults))('fit.%s that is undefined means its default', async (name) => {
  expect(await sent(fit({ [name]: undefined } as FitOptions))).toEqual(await sent(fit()))
})

it.each(Object.keys(translateDefaults))('translate.%s that is undefined means its default', async (name) => {
  const options: TranslateOptions = { to: 'openai', [name]: undefined }
  expect(await sent(translate(options))).toEqual(await sent(translate({ to: 'openai' })))
})

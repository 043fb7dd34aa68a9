import { createRequest, type Handler } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { failureResponse } from '@spillway/wire'
import { expect, it, vi } from 'vitest'
import { readOptions, routingDefaults } from './options.ts'
import { createRouting } from './routing.ts'

const answer: Handler = async (call) => {
  const response = failureResponse(call, {
    ...{ kind: 'server', message: '', retryable: true, scope: 'endpoint', origin: 'upstream' },
  })
  return { ...response, failure: undefined }
}

const endpoints = [
  { name: 'a', handler: answer, key: null },
  { name: 'b', handler: answer, key: null },
]

const groups = ['ejection', 'keys', 'affinity'] as const
const options: object[] = [
  ...Object.keys(routingDefaults).map((name) => ({ [name]: undefined })),
  ...groups.flatMap((group) =>
    Object.keys(routingDefaults[group]).map((name) => ({ [group]: { [name]: undefined } })),
  ),
]

it.each(options.map((each) => [JSON.stringify(each, (_, value) => value ?? null), each] as const))(
  'an option that is undefined means its default: %s',
  (_, given) => {
    expect(readOptions(endpoints, given)).toEqual(readOptions(endpoints, {}))
  },
)

it('a caller that throws breaks no call and is told of once', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const routing = createRouting({
    endpoints,
    caller: () => {
      throw new Error('broken')
    },
  })
  const clock = virtualClock()
  const body = jsonBodyFromObject({ model: 'm', messages: [{ role: 'user', content: 'a' }] })
  for (let call = 0; call < 3; call++) {
    const request = createRequest({ api: 'anthropic', model: 'm', stream: false, url: '/', body, clock })
    expect((await routing.handler(request)).failure).toBeUndefined()
  }
  expect(warn).toHaveBeenCalledTimes(1)
  warn.mockRestore()
})

import { expect, it } from 'vitest'
import { compose, type Handler, type Middleware } from './handler.ts'
import type { ModelRequest } from './request.ts'
import type { ModelResponse } from './response.ts'

const request = {} as ModelRequest
const response = {} as ModelResponse

const logging =
  (name: string, log: string[]): Middleware =>
  (next) =>
  async (asked) => {
    log.push(`${name} asks`)
    const answer = await next(asked)
    log.push(`${name} answers`)
    return answer
  }

it('puts the first listed outermost', async () => {
  const log: string[] = []
  const handler = compose([logging('a', log), logging('b', log), logging('c', log)], async () => {
    log.push('handler')
    return response
  })
  expect(await handler(request)).toBe(response)
  expect(log).toEqual(['a asks', 'b asks', 'c asks', 'handler', 'c answers', 'b answers', 'a answers'])
})

it('is the handler itself where there is no middleware', () => {
  const handler: Handler = async () => response
  expect(compose([], handler)).toBe(handler)
})

it('nests: a composition within a composition is the same as one', async () => {
  const log: string[] = []
  const inner = compose([logging('b', log)], async () => response)
  await compose([logging('a', log)], inner)(request)
  expect(log).toEqual(['a asks', 'b asks', 'b answers', 'a answers'])
})

it('wraps once, however many calls follow', async () => {
  let wrapped = 0
  const handler = compose(
    [
      (next) => {
        wrapped++
        return next
      },
    ],
    async () => response,
  )
  await handler(request)
  await handler(request)
  expect(wrapped).toBe(1)
})

it('lets a middleware ask again', async () => {
  let asked = 0
  const twice: Middleware = (next) => async (it) => {
    await next(it)
    return next(it)
  }
  await compose([twice], async () => {
    asked++
    return response
  })(request)
  expect(asked).toBe(2)
})

// Opens a circuit, leaves it idle, and must end by itself. Run as a program by a test.
import { createRequest } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { failureResponse, truncatedFailure } from '@spillway/wire'
import { createCircuitBreaker } from '../src/circuit-breaker.ts'

const request = createRequest({
  api: 'anthropic',
  model: 'm',
  stream: false,
  url: '/v1/messages',
  body: jsonBodyFromObject({}),
})
const breaker = createCircuitBreaker({ openFor: 3_600_000, minimumCalls: 2 })
let failing = false
const handler = breaker.middleware(async () => {
  const refused = failureResponse(request, truncatedFailure())
  return failing ? refused : { ...refused, body: bodyOf(new Uint8Array()), failure: undefined }
})
await handler(request)
failing = true
for (let i = 0; i < 4; i++) await handler(request)
console.log(breaker.states().map(({ state }) => state))

import { expect, it } from 'vitest'
import { malformedHttpAnswer } from './malformed-http.ts'

it.each([
  ['HPE_INVALID_METHOD', '400 Bad Request'],
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
  [undefined, '400 Bad Request'],
])('what the parser refuses with %s is answered with %s', (code, status) => {
  expect(malformedHttpAnswer(code).split('\r\n')[0]).toBe(`HTTP/1.1 ${status}`)
})

it('the answer is an error of Anthropic’s form whose length is right', () => {
  const [head = '', body = ''] = malformedHttpAnswer(undefined).split('\r\n\r\n')
  expect(head).toContain(`content-length: ${body.length}`)
  expect(JSON.parse(body)).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
})

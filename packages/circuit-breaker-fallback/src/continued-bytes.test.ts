import { createRequest } from '@spillway/middleware'
import { jsonBodyFromBytes } from '@spillway/middleware/kit'
import { expect, it } from 'vitest'
import { continuationRequest } from './continuation.ts'

it('a request to go on has the inputs and schemas of tools as the text that they were', () => {
  const carried = '{"id":1849302847561029384, "10":1.0,"9":1e400,"9":-0}'
  const body =
    `{"model":"m","max_tokens":99,"tools":[{"name":"f","input_schema":${carried}}],` +
    `"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":${carried}}]}]}`
  const request = createRequest({
    ...{ api: 'anthropic', model: 'm', stream: true, url: '/v1/messages' },
    body: jsonBodyFromBytes(Buffer.from(body)),
  } as const)
  const transcript = {
    id: undefined,
    blocks: [{ type: 'text', index: 0, text: 'So', isOpen: true }],
  } as never
  const sent = Buffer.from(continuationRequest(request, transcript, 'm').body.bytes).toString()
  expect(sent).toContain(`"input_schema":${carried}`)
  expect(sent).toContain(`"input":${carried}`)
  expect(sent).toContain('"So"')
})

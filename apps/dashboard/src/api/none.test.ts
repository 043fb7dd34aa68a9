import { none as ofGateway } from '@spillway/gateway-api'
import { expect, test } from 'vitest'
import { none } from './none.ts'

test('the dashboard asks for none by the word of the gateway', () => {
  expect(none).toBe(ofGateway)
})

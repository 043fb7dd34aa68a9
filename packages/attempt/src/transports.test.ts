import { transportCases } from '@spillway/testing'
import { describe, it } from 'vitest'
import { fetchTransport } from './fetch-transport.ts'

describe('a transport over fetch', () => {
  for (const { name, run } of transportCases(() => fetchTransport(fetch))) it(name, run)
})

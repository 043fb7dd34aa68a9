import { isStreamFailure } from '@spillway/middleware'
import { readBody } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { streamRequest } from '../test/call.ts'
import { handTransport } from '../test/hand-transport.ts'
import { anthropic, preamble } from '../test/wire-samples.ts'
import { attempt } from './attempt.ts'
import { CredentialMask } from './credential-mask.ts'

const key = 'sk-ant-1f/8b+Q=='
const stars = '*'.repeat(key.length)

function begin(headers: Readonly<Record<string, string>> = { 'x-api-key': key }) {
  const wire = handTransport()
  const answer = attempt(wire.transport)(streamRequest({ clock: virtualClock(), headers }))
  answer.catch(() => {})
  return { wire, answer }
}

const errorBody = (message: string): string =>
  JSON.stringify({ type: 'error', error: { type: 'authentication_error', message } })

describe('an error that quotes the key', () => {
  it.each([{ 'x-api-key': key }, { authorization: `Bearer ${key}` }])(
    'has asterisks in its body, its headers and its failure, as many',
    async (headers) => {
      const { wire, answer } = begin(headers)
      wire.sink.headers(401, { 'content-type': 'application/json', 'x-said': `no ${key}` })
      const body = errorBody(`invalid key ${key}`)
      wire.text(body)
      wire.sink.end()
      const response = await answer
      expect(response.failure?.message).toContain(stars)
      expect(response.headers['x-said']).toBe(`no ${stars}`)
      expect((await response.outcome).failure?.message).toContain(stars)
      expect(Buffer.from(await readBody(response.body)).toString()).toBe(body.replace(key, stars))
    },
  )

  it('inside a 200 has them too', async () => {
    const { wire, answer } = begin()
    wire.jsonHeaders()
    wire.text(errorBody(`invalid key ${key}`))
    wire.sink.end()
    const response = await answer
    expect(response.failure?.message).toContain(stars)
    expect(Buffer.from(await readBody(response.body)).toString()).not.toContain(key)
  })

  it.each([key.length - 1, 12, 8])(
    'has them where its message is cut behind %i characters of the key',
    async (length) => {
      const { wire, answer } = begin()
      wire.sink.headers(401, { 'content-type': 'application/json' })
      wire.text(errorBody(`${' '.repeat(500 - length)}${key}`))
      wire.sink.end()
      const { failure } = await answer
      expect(failure?.message).toBe(`${' '.repeat(500 - length)}${'*'.repeat(length)}…`)
    },
  )

  it('has them in its code and its id', async () => {
    const { wire, answer } = begin()
    wire.sink.headers(401, { 'content-type': 'application/json' })
    wire.text(JSON.stringify({ type: 'error', error: { type: key, message: 'No' }, request_id: key }))
    wire.sink.end()
    expect((await answer).failure).toMatchObject({ code: stars, requestId: stars })
  })

  it.each([true, false])('inside a stream has them too, with content before it: %s', async (hasContent) => {
    const { wire, answer } = begin()
    wire.streamHeaders()
    wire.text(preamble)
    if (hasContent) wire.text(anthropic.text('Hello'))
    wire.text(`event: error\ndata: ${errorBody(`invalid key ${key}`)}\n\n`)
    const response = await answer
    const read = await readBody(response.body).then(
      (bytes) => Buffer.from(bytes).toString(),
      (error: unknown) => (isStreamFailure(error) ? String(Buffer.from(error.eventBytes ?? [])) : ''),
    )
    expect(read).toContain(stars)
    expect(read).not.toContain(key)
    expect((await response.outcome).failure?.message).not.toContain(key)
  })
})

describe('the mask', () => {
  it('finds a key as JSON may write it', () => {
    const written = key.replaceAll('/', '\\/')
    expect(new CredentialMask({ 'x-api-key': key }).text(`{"key":"${written}"}`)).not.toContain(written)
  })

  it('leaves bytes alone that quote nothing, and words that are no secret', () => {
    const bytes = Buffer.from('invalid x-api-key: sk-a****Q==')
    expect(new CredentialMask({ 'x-api-key': key }).bytes(bytes)).toBe(bytes)
    expect(new CredentialMask({ 'x-api-key': 'key' }).text('a key')).toBe('a key')
  })
})

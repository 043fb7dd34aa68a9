import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type ClaudeOptions, startClaude } from './claude.ts'
import type { RecordedRequest } from './recorded-request.ts'
import type { Reply } from './reply.ts'
import type { SimulatedServer } from './simulated-server.ts'

const credit = 'fallback-credit-2026-07-01'
const question = [{ role: 'user', content: 'How do dams fail?' }]
const asked = { model: 'claude-fable-5', max_tokens: 100, messages: question }
const fallbackModels = { 'claude-fable-5': ['claude-opus-4-8'], 'claude-opus-4-8': ['claude-opus-5'] }
const usage = { cacheWriteTokens: 1000, cacheReadTokens: 50 }

/** Fable declines; the others answer. */
const reply = ({ json }: RecordedRequest): Reply => {
  const { model, system } = json as { model: string; system?: string }
  if (model !== 'claude-fable-5') return { text: 'They leak.', usage }
  return { text: system === 'begin' ? 'Mostly  ' : '', refusal: { category: 'bio', explanation: 'No.' } }
}

const serverWith = async (options: ClaudeOptions = {}): Promise<SimulatedServer> => {
  const server = await startClaude({ reply, fallbackModels, ...options })
  onTestFinished(() => server.close())
  return server
}

interface Sent {
  readonly betas?: string
  readonly key?: string
}

type Said = {
  readonly status: number
  readonly message?: string
  readonly model?: string
  readonly content?: readonly Record<string, unknown>[]
  readonly stop_details?: Record<string, unknown> | null
  readonly usage?: Record<string, unknown>
}

async function ask(
  server: SimulatedServer,
  body: object,
  { betas = credit, key = 'sk-a' }: Sent = {},
): Promise<Said> {
  const response = await fetch(`${server.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01', 'anthropic-beta': betas },
    body: JSON.stringify(body),
  })
  const said = (await response.json()) as { error?: { message: string } }
  return { ...said, status: response.status, message: said.error?.message } as Said
}

describe('a refusal', () => {
  it('says nothing of a credit without the beta', async () => {
    const { stop_details } = await ask(await serverWith(), asked, { betas: 'other' })
    expect(stop_details).toEqual({ type: 'refusal', category: 'bio', explanation: 'No.' })
  })

  it('has a token with it, and says whether what was said may be continued', async () => {
    const server = await serverWith()
    const empty = await ask(server, asked)
    expect([empty.status, empty.content]).toEqual([200, []])
    expect(empty.stop_details).toMatchObject({
      fallback_credit_token: expect.stringMatching(/^fct_/),
      fallback_has_prefill_claim: false,
    })
    const begun = await ask(server, { ...asked, system: 'begin' })
    expect(begun.stop_details).toMatchObject({ fallback_has_prefill_claim: true })
    const formatted = await ask(server, { ...asked, system: 'begin', output_config: { format: {} } })
    expect(formatted.stop_details).toMatchObject({ fallback_has_prefill_claim: false })
  })

  it('of a model without fallbacks has none', async () => {
    const { stop_details } = await ask(await serverWith({ fallbackModels: {} }), asked)
    expect(stop_details).toMatchObject({ fallback_credit_token: null, fallback_has_prefill_claim: null })
  })
})

describe('a token', () => {
  let server: SimulatedServer
  let token: string
  let begun: string
  beforeAll(async () => {
    server = await startClaude({ reply, fallbackModels })
    const tokenOf = async (body: object): Promise<string> =>
      String((await ask(server, body)).stop_details?.fallback_credit_token)
    token = await tokenOf(asked)
    begun = await tokenOf({ ...asked, system: 'begin' })
    return () => server.close()
  })
  const retry = (more: object = {}, sent: Sent = {}): Promise<Said> =>
    ask(server, { ...asked, model: 'claude-opus-4-8', fallback_credit_token: token, ...more }, sent)
  const softly = (): object => ({ token, mode: 'best_effort' })
  const turn = (text: string): object => ({ role: 'assistant', content: [{ type: 'text', text }] })

  it('bills the retry as if its model had had the conversation all along', async () => {
    const { status, usage: used } = await retry({ max_tokens: 7, temperature: 1 })
    expect([status, used]).toMatchObject([
      200,
      {
        cache_read_input_tokens: 1050,
        cache_creation_input_tokens: 0,
        fallback_credit: { status: { type: 'redeemed' } },
      },
    ])
  })

  it.each([
    [
      'another prompt',
      { messages: [{ role: 'user', content: 'Else' }] },
      {},
      'does not match',
      'body_mismatch',
    ],
    ['another thinking', { thinking: { type: 'disabled' } }, {}, 'does not match', 'body_mismatch'],
    ['another beta', {}, { betas: `${credit}, context-1m-2025-08-07` }, 'does not match', 'body_mismatch'],
    ['a model that may not', { model: 'claude-haiku-5-5' }, {}, 'no fallback target', 'invalid_target_model'],
    ['another key', {}, { key: 'sk-b' }, 'another organization', 'wrong_organization'],
  ])('is not applied to %s', async (_, more, sent, message, reason) => {
    const strict = await retry(more, sent)
    expect([strict.status, strict.message]).toEqual([400, expect.stringContaining(message)])
    expect(strict.message).toMatch(/^fallback_credit_token: /)
    const soft = await retry({ ...more, fallback_credit_token: softly() }, sent)
    expect([soft.status, soft.usage]).toMatchObject([
      200,
      { cache_creation_input_tokens: 1000, fallback_credit: { status: { type: 'not_applied', reason } } },
    ])
  })

  it.each([
    ['without its beta', {}, { betas: '' }, /Extra inputs/],
    ['as an object with the older beta', softly, { betas: 'fallback-credit-2026-06-01' }, /valid string/],
    ['that is malformed, in either mode', { token: 'fct_x.y', mode: 'best_effort' }, {}, /malformed/],
  ])('%s is refused', async (_, field, sent, message) => {
    const value = typeof field === 'function' ? field() : 'token' in field ? field : token
    const { status, message: said } = await retry({ fallback_credit_token: value }, sent)
    expect([status, said]).toEqual([400, expect.stringMatching(message)])
  })

  it('goes with no `fallbacks`, in either mode', async () => {
    const betas = `${credit}, server-side-fallback-2026-07-01`
    const { status } = await retry({ fallbacks: 'default', fallback_credit_token: softly() }, { betas })
    expect(status).toBe(400)
  })

  it('expires', async () => {
    const brief = await serverWith({ creditLifetimeMs: -1 })
    const { stop_details } = await ask(brief, asked)
    const late = {
      ...asked,
      model: 'claude-opus-4-8',
      fallback_credit_token: stop_details?.fallback_credit_token,
    }
    expect(await ask(brief, late)).toMatchObject({ status: 400, message: expect.stringMatching(/expired/) })
  })

  it('lets in one turn that says what was said before, less its last white space', async () => {
    const more = { system: 'begin', fallback_credit_token: begun }
    const good = await retry({ ...more, messages: [...question, turn('Mostly')] })
    expect([good.status, good.usage]).toMatchObject([
      200,
      { fallback_credit: { status: { type: 'redeemed' } } },
    ])
    expect((await retry({ ...more, messages: [...question, turn('Mostly  ')] })).message).toMatch(
      /white ?space/,
    )
    expect((await retry({ ...more, messages: [...question, turn('Other')] })).message).toMatch(
      /does not match/,
    )
    const soft = { ...more, fallback_credit_token: { token: begun, mode: 'best_effort' } }
    expect((await retry({ ...soft, messages: [...question, turn('Other')] })).message).toMatch(/prefill/)
    // Before any output there is nothing to continue.
    expect((await retry({ messages: [...question, turn('Mostly')] })).message).toMatch(/continuing/)
  })
})

it('the Models API publishes the models that a refusal may be retried on, under its beta', async () => {
  const server = await serverWith({ models: ['claude-fable-5', 'claude-opus-5'] })
  const read = async (path: string, beta: string): Promise<unknown> => {
    const headers = { 'x-api-key': 'k', 'anthropic-version': '2023-06-01', 'anthropic-beta': beta }
    return (await fetch(`${server.url}/v1/models${path}`, { headers })).json()
  }
  const published = 'server-side-fallback-2026-07-01'
  expect(await read('/claude-fable-5', published)).toMatchObject({
    allowed_fallback_models: ['claude-opus-4-8'],
  })
  expect(await read('', published)).toMatchObject({
    data: [{ allowed_fallback_models: ['claude-opus-4-8'] }, { allowed_fallback_models: [] }],
  })
  expect(await read('/claude-fable-5', credit)).not.toHaveProperty('allowed_fallback_models')
})

describe('`fallbacks`', () => {
  const betas = 'server-side-fallback-2026-07-01'

  it('are asked by the server, which marks the seam and counts each model', async () => {
    const said = await ask(
      await serverWith(),
      { ...asked, fallbacks: [{ model: 'claude-opus-4-8' }] },
      { betas },
    )
    expect(said).toMatchObject({
      status: 200,
      model: 'claude-opus-4-8',
      content: [
        { type: 'fallback', from: { model: 'claude-fable-5' }, to: { model: 'claude-opus-4-8' } },
        { type: 'text', text: 'They leak.' },
      ],
      usage: {
        iterations: [
          { type: 'message', model: 'claude-fable-5' },
          { type: 'fallback_message', model: 'claude-opus-4-8' },
        ],
      },
    })
  })

  it('need their beta', async () => {
    const { status, message } = await ask(await serverWith(), { ...asked, fallbacks: 'default' })
    expect([status, message]).toEqual([400, 'fallbacks: Extra inputs are not permitted'])
  })
})

import type { Failure } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import { wordedFor } from './error-words.ts'
import { classifyErrorBody, classifyHttpError } from './failure-classification.ts'

const epoch = Date.UTC(2026, 10, 27)

const anthropic = (type: string, message: string): object => ({ type: 'error', error: { type, message } })
const openai = (message: string, type?: string | null, code?: string | null): object => ({
  error: { message, type, param: null, code },
})
const aws = (message: string): object => ({ message })
const validation = { 'x-amzn-errortype': 'ValidationException' }

const ofKey: Partial<Failure> = { kind: 'billing', scope: 'key', retryable: false }
const ofRequest: Partial<Failure> = { kind: 'rate_limited', scope: 'request', retryable: false }

describe('what only the words of an error say', () => {
  it.each<[string, number, object, Partial<Failure>, Record<string, string>?]>([
    [
      'Anthropic, of the extra usage of a subscription',
      400,
      anthropic('invalid_request_error', "You're out of extra usage. Add more at claude.ai/settings/usage."),
      ofKey,
    ],
    [
      'Anthropic, of a subscription that other clients may not use',
      400,
      anthropic('invalid_request_error', 'Third-party apps now draw from your extra usage, not your plan.'),
      ofKey,
    ],
    [
      'Anthropic, of a prompt that is longer than the plan has it',
      429,
      anthropic('rate_limit_error', 'Extra usage is required for long context requests.'),
      { ...ofKey, scope: 'request' },
    ],
    [
      'Groq, of a request that no minute is long enough for',
      413,
      openai(
        'Request too large for model `m` in organization `o` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Requested 14810',
        'tokens',
        'rate_limit_exceeded',
      ),
      ofRequest,
    ],
    [
      'OpenAI, of the same',
      429,
      openai(
        'Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 342389.',
        'tokens',
      ),
      ofRequest,
    ],
    [
      'AWS, of the tokens of a day',
      429,
      aws('Too many tokens per day, please wait before trying again.'),
      { kind: 'rate_limited', scope: 'key', retryable: false },
      { 'x-amzn-errortype': 'ThrottlingException' },
    ],
    [
      'AWS, of a model that it does not know',
      400,
      aws('The provided model identifier is invalid.'),
      { kind: 'not_found', scope: 'model' },
      validation,
    ],
    [
      'AWS, of a model that has profiles alone',
      400,
      aws('Invocation of model ID anthropic.claude-x with on-demand throughput isn’t supported.'),
      { kind: 'not_found', scope: 'model' },
      validation,
    ],
    ['AWS, of an account', 400, aws('Operation not allowed'), { kind: 'permission' }, validation],
    [
      'Google, of a project',
      400,
      [
        {
          error: {
            code: 400,
            message: 'Project `p` is not allowed to use Publisher Model `projects/p/models/m`',
            status: 'FAILED_PRECONDITION',
          },
        },
      ],
      { kind: 'permission', scope: 'model' },
    ],
    [
      'Ollama Cloud, of a week',
      429,
      { error: 'you (ada) have reached your weekly usage limit, upgrade for higher limits' },
      ofKey,
    ],
    [
      'Ollama Cloud, of an hour',
      429,
      { StatusCode: 429, error: "you've reached your hourly usage limit, please wait or upgrade" },
      ofKey,
    ],
    [
      'Ollama Cloud, of an invoice',
      403,
      openai('your subscription payment is past due. update your payment method', 'api_error', null),
      ofKey,
    ],
    [
      'Kimi, of a billing cycle',
      403,
      anthropic('permission_error', "You've reached your usage limit for this billing cycle."),
      ofKey,
    ],
    [
      'Kimi, of a week',
      403,
      openai("You've reached your weekly (7-day) usage limit.", 'access_terminated_error'),
      ofKey,
    ],
    ['LiteLLM, of a key', 400, openai('Budget has been exceeded! Current cost: 76.16', null, '400'), ofKey],
    [
      'LiteLLM, of a user',
      400,
      openai('ExceededBudget: End User=x over budget.', 'auth_error', '400'),
      ofKey,
    ],
    ['MiniMax', 500, anthropic('api_error', 'insufficient balance (1008)'), ofKey],
    [
      'Fireworks',
      412,
      openai('Account p is suspended, possibly due to', 'error', 'PRECONDITION_FAILED'),
      ofKey,
    ],
    [
      'xAI',
      429,
      {
        code: 'Some resource has been exhausted',
        error:
          'Your team 16f2151a has either used all available credits or reached its monthly spending limit.',
      },
      { ...ofKey, code: 'Some resource has been exhausted' },
    ],
    [
      'xAI, of a new team',
      403,
      { error: "Your newly created team doesn't have any credits or licenses yet." },
      ofKey,
    ],
    [
      'xAI, of a subscription',
      403,
      { error: 'You have run out of credits or need a Grok subscription.' },
      ofKey,
    ],
    [
      'one-api, of a model that nobody serves',
      503,
      openai('当前分组 default 下对于模型 claude-x 无可用渠道', 'one_api_error'),
      { kind: 'not_found', scope: 'model', retryable: false },
    ],
    [
      'new-api, of the same',
      400,
      openai('No available channel for model claude-x under group default', 'new_api_error'),
      { kind: 'not_found', scope: 'model', retryable: false },
    ],
  ])('%s', (_, status, body, expected, headers = {}) => {
    expect(classifyHttpError(status, headers, body, epoch)).toMatchObject(expected)
  })

  it.each([
    'Your credit balance is too low',
    "You're out of extra usage",
    'Operation not allowed',
    'Too many tokens per day',
    "You've reached your usage limit",
    'insufficient balance (1008)',
    'No available channel for model x',
    'Request too large for m on tokens per minute',
  ])('is not looked for where a message may quote a caller: %s', (words) => {
    const quoted = anthropic('invalid_request_error', `messages.0.content: "${words}" is not allowed`)
    expect(classifyHttpError(400, {}, quoted, epoch)).toMatchObject({
      kind: 'invalid_request',
      scope: 'request',
    })
  })

  it.each([
    ['not_found_error', 'This organization has been disabled.', 'not_found'],
    ['overloaded_error', 'insufficient balance', 'overloaded'],
    ['authentication_error', 'Budget has been exceeded!', 'authentication'],
  ])('does not overrule a code that says what it is: %s, %s', (type, message, kind) => {
    expect(classifyErrorBody(anthropic(type, message)).kind).toBe(kind)
  })
})

describe('LM Studio, of a prompt that is too long, in an event without a code', () => {
  it.each([
    'The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 13055>= n_ctx: 4096).',
    'Trying to keep the first 15857 tokens when context the overflows.',
    'Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)',
  ])('is the request’s, in the words that clients know: %s', (message) => {
    for (const error of [message, { message }]) {
      const failure = classifyErrorBody({ error })
      expect(failure).toMatchObject({ kind: 'invalid_request', retryable: false, message })
      expect(wordedFor('anthropic', failure).message).toBe(`prompt is too long: ${message}`)
    }
  })
})

describe('a code that only its vendor has', () => {
  it.each<[number | undefined, object, Partial<Failure>]>([
    [429, anthropic('1113', 'Insufficient balance or no resource package. Please recharge.'), ofKey],
    [429, { error: { code: '1113', message: '余额不足或无可用资源包,请充值。' } }, ofKey],
    [
      429,
      {
        type: 'error',
        error: { type: 'rate_limit_error', code: '1113', message: '[1113][Insufficient balance][1]' },
      },
      ofKey,
    ],
    [429, { error: { code: '1308', message: 'Usage limit reached for 5 hour.' } }, ofKey],
    [
      429,
      { error: { code: '1302', message: 'Rate limit reached' } },
      { kind: 'rate_limited', retryable: true },
    ],
    [400, { error: { code: '1301', message: 'unsafe or sensitive' } }, { kind: 'refusal' }],
    [429, openai('suspended due to insufficient balance', 'exceeded_current_quota_error'), ofKey],
    [403, openai('exceeded current quota', 'exceeded_current_quota_error'), ofKey],
    [
      429,
      openai('overloaded', 'engine_overloaded_error'),
      { kind: 'overloaded', scope: 'model', retryable: true },
    ],
    [429, openai('insufficient balance (1008)', 'insufficient_balance_error'), ofKey],
    [400, openai('Access denied, please make sure your account is in good standing.', 'Arrearage'), ofKey],
    [400, { code: 'Arrearage', message: 'Access denied', request_id: 'r' }, ofKey],
    [400, openai('over', 'budget_exceeded', '400'), ofKey],
    [403, openai('user quota is not enough', 'v_api_error', 'insufficient_user_quota'), ofKey],
    [403, { code: 'INSUFFICIENT_BALANCE', message: 'Insufficient account balance' }, ofKey],
    [
      400,
      openai('The requested model is not supported.', 'invalid_request_error', 'model_not_supported'),
      { kind: 'not_found' },
    ],
    [
      undefined,
      openai('overloaded', 'service_unavailable_error', 'server_is_overloaded'),
      { kind: 'overloaded' },
    ],
    [
      429,
      { error: { type: 'usage_limit_reached', message: 'No', resets_in_seconds: 17_778 } },
      { ...ofKey, retryAfterMs: 17_778_000 },
    ],
    [
      undefined,
      { type: 'error', error: { type: 'usage_limit_reached', message: 'No' }, status_code: 429 },
      { ...ofKey, status: 429 },
    ],
  ])('%s %j', (status, body, expected) => {
    const failure =
      status === undefined ? classifyErrorBody(body, epoch) : classifyHttpError(status, {}, body, epoch)
    expect(failure).toMatchObject(expected)
  })

  it.each([-1, '9', null, Number.NaN])('with a reset of %j says nothing of a wait', (resets_in_seconds) => {
    const error = { type: 'usage_limit_reached', message: 'No', resets_in_seconds }
    expect(classifyErrorBody({ error }).retryAfterMs).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { callAt, isOfBedrock, isOfVertex, whyNotServed } from './call-paths.ts'

const project = '/projects/p/locations/eu/publishers/anthropic/models'

describe('a path of the gateway', () => {
  it.each([
    ['/v1/messages', {}],
    ['/anthropic/v1/messages', {}],
    ['/anthropic/v1/messages/count_tokens', { operation: 'count_tokens' }],
    ['/model/us.anthropic.claude-opus-5/invoke', { venue: 'bedrock', stream: false }],
    ['/model/m/invoke-with-response-stream', { venue: 'bedrock', model: 'm', stream: true }],
    ['/model/m/count-tokens', { venue: 'bedrock', operation: 'count_tokens' }],
    [
      '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fp/invoke',
      { model: 'arn:aws:bedrock:us-east-1:1:inference-profile/p' },
    ],
    [`/v1${project}/claude-opus-5:rawPredict`, { venue: 'vertex', model: 'claude-opus-5' }],
    [`${project}/claude-opus-5@20260101:streamRawPredict`, { venue: 'vertex' }],
    [`/v1beta1${project}/m:rawPredict`, { venue: 'vertex', model: 'm' }],
    [`${project}/count-tokens:rawPredict`, { venue: 'vertex', operation: 'count_tokens' }],
  ])('%s is a call', (path, call) => {
    expect(callAt(path)).toMatchObject({ api: 'anthropic', ...call })
  })

  it.each([
    '/',
    '/anthropic/v1/models',
    '/anthropic/v1/messages/batches',
    '/anthropic/v1/chat/completions',
    '/x/model/m/invoke',
    '/model/m/converse',
    '/v1/model/m/invoke',
    '/v1/projects/p/locations/l/publishers/google/models/m:rawPredict',
    `/v2${project}/m:rawPredict`,
  ])('%s is none', (path) => {
    expect(callAt(path)).toBeUndefined()
  })

  it.each([
    ['/model/m/converse', 'bedrock'],
    ['/inference-profiles', 'bedrock'],
    ['/inference-profiles/x', 'bedrock'],
    [`/v1${project}/m:predict`, 'vertex'],
    ['/models', undefined],
    ['/v1/messages', undefined],
  ])('%s has errors in the form of %s', (path, venue) => {
    expect(isOfBedrock(path) ? 'bedrock' : isOfVertex(path) ? 'vertex' : undefined).toBe(venue)
  })

  it.each(['converse', 'converse-stream', 'invoke-with-bidirectional-stream'])(
    'says why %s is not served',
    (action) => {
      expect(whyNotServed(`/model/m/${action}`)).toMatch(`${action} is not served: call InvokeModel`)
    },
  )
})

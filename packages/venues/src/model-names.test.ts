import { expect, it } from 'vitest'
import { firstPartyName } from './model-names.ts'

it.each([
  ['anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5-20250929'],
  ['us.anthropic.claude-opus-4-6-v1', 'claude-opus-4-6'],
  ['us-gov.anthropic.claude-3-haiku-20240307-v1:0', 'claude-3-haiku-20240307'],
  ['global.anthropic.claude-opus-5', 'claude-opus-5'],
  ['arn:aws:bedrock:us-east-1:1234:inference-profile/us.anthropic.claude-opus-5', 'claude-opus-5'],
  ['claude-sonnet-4-5@20250929', 'claude-sonnet-4-5-20250929'],
  // As Claude Code names it at Vertex AI.
  ['claude-opus-4-6@default', 'claude-opus-4-6'],
  ['claude-sonnet-5-5', 'claude-sonnet-5-5'],
  [
    'arn:aws:bedrock:us-east-1:1234:application-inference-profile/abc',
    'arn:aws:bedrock:us-east-1:1234:application-inference-profile/abc',
  ],
  ['my-deployment', 'my-deployment'],
])('knows %s as %s', (id, name) => {
  expect(firstPartyName(id)).toBe(name)
})

import { expect, it } from 'vitest'
import { firstPartyName } from '../model-names.ts'
import { bareBedrockId, bedrockIds } from './bedrock-ids.ts'
import { apiVersion } from './dated-names.ts'
import { vertexId } from './vertex-ids.ts'

it.each([
  ['claude-sonnet-4-5', 'us-east-1', undefined, 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['claude-sonnet-4-5-20250929', 'eu-west-1', undefined, 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['claude-sonnet-4-5', 'ap-northeast-1', undefined, 'jp.anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['claude-sonnet-4-0', 'ap-northeast-1', undefined, 'apac.anthropic.claude-sonnet-4-20250514-v1:0'],
  ['claude-opus-5', 'ap-southeast-2', undefined, 'au.anthropic.claude-opus-5'],
  ['claude-opus-5', 'ap-south-1', undefined, 'global.anthropic.claude-opus-5'],
  ['claude-opus-5', 'sa-east-1', undefined, 'global.anthropic.claude-opus-5'],
  ['claude-opus-5', 'us-gov-west-1', undefined, 'us-gov.anthropic.claude-opus-5'],
  ['claude-opus-5', 'us-east-1', 'global', 'global.anthropic.claude-opus-5'],
  ['claude-opus-5', 'us-east-1', 'none', 'anthropic.claude-opus-5'],
  ['claude-opus-4-6', 'us-east-1', 'none', 'anthropic.claude-opus-4-6-v1'],
  ['claude-sonnet-4-6', 'us-east-1', 'none', 'anthropic.claude-sonnet-4-6'],
  ['claude-3-5-sonnet-latest', 'us-east-1', undefined, 'us.anthropic.claude-3-5-sonnet-20241022-v2:0'],
  ['claude-3-5-sonnet-20240620', 'us-east-1', undefined, 'us.anthropic.claude-3-5-sonnet-20240620-v1:0'],
  ['claude-3-haiku-20240307', 'us-east-1', undefined, 'anthropic.claude-3-haiku-20240307-v1:0'],
  ['us.anthropic.claude-opus-5', 'eu-west-1', undefined, 'us.anthropic.claude-opus-5'],
  [
    'arn:aws:bedrock:us-east-1:1:application-inference-profile/a',
    'us-east-1',
    undefined,
    'arn:aws:bedrock:us-east-1:1:application-inference-profile/a',
  ],
] as const)('Bedrock knows %s in %s (%s) as %s', (model, region, profile, id) => {
  expect(bedrockIds(model, region, profile)[0]).toBe(id)
})

it('tries the model of the region behind its profile, and the profile where a region has none', () => {
  expect(bedrockIds('claude-opus-5', 'us-east-1')).toEqual([
    'us.anthropic.claude-opus-5',
    'anthropic.claude-opus-5',
  ])
  expect(bedrockIds('claude-3-haiku-20240307', 'eu-west-1').at(-1)).toBe(
    'eu.anthropic.claude-3-haiku-20240307-v1:0',
  )
  expect(bedrockIds('claude-opus-5', 'us-east-1', 'none')).toHaveLength(1)
  expect(bareBedrockId('global.anthropic.claude-opus-5')).toBe('anthropic.claude-opus-5')
})

it.each([
  ['claude-sonnet-4-5', 'claude-sonnet-4-5@20250929'],
  ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5@20250929'],
  ['claude-3-5-sonnet-20241022', 'claude-3-5-sonnet-v2@20241022'],
  ['claude-opus-4-6', 'claude-opus-4-6'],
  ['claude-sonnet-5-5', 'claude-sonnet-5-5'],
  ['claude-sonnet-4-5@20250929', 'claude-sonnet-4-5@20250929'],
])('Vertex AI knows %s as %s', (model, id) => {
  expect(vertexId(model)).toBe(id)
})

it.each(['claude-sonnet-4-5-20250929', 'claude-opus-5', 'claude-opus-4-6'])(
  '%s comes back from each',
  (model) => {
    for (const id of [...bedrockIds(model, 'eu-west-1'), vertexId(model)])
      expect(firstPartyName(id)).toBe(model)
  },
)

it.each([
  ['claude-opus-4-7', '2026-10-21', '2026-10-21'],
  ['claude-opus-4-6', '2026-10-21', 'first'],
  ['claude-opus-4-5-20251101', '2026-10-21', 'first'],
  ['claude-sonnet-5-5', '2026-10-21', '2026-10-21'],
  ['claude-fable-5', '2026-10-21', '2026-10-21'],
  ['claude-3-5-haiku-20241022', '2026-10-21', 'first'],
  ['claude-sonnet-4-20250514', '2026-10-21', 'first'],
  ['claude-sonnet-5-5', '2023-06-01', 'first'],
  ['claude-sonnet-5-5', undefined, 'first'],
  ['arn:aws:bedrock:us-east-1:1:application-inference-profile/a', '2026-10-21', '2026-10-21'],
])('%s, asked for %s, is called by version %s', (model, asked, version) => {
  expect(apiVersion(model, asked, 'first')).toBe(version)
})

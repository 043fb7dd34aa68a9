import { expect, it } from 'vitest'
import {
  acceptsTemperature,
  isOpenAiNonReasoningModel,
  isOpenAiReasoningModel,
} from './model-capabilities.ts'

it.each([
  'claude-opus-4-6',
  'claude-sonnet-4-6',
  'claude-opus-4-5',
  'claude-opus-4-5-20251101',
  'claude-sonnet-4-5',
  'claude-sonnet-4-5-20250929',
  'claude-haiku-4-5',
  'claude-haiku-4-5-20251001',
  'claude-opus-4-1-20250805',
  'claude-opus-4-20250514',
  'claude-sonnet-4-0',
  'claude-3-7-sonnet-20250219',
  'claude-3-5-haiku-latest',
  'claude-3-opus-20240229',
  'claude-2.1',
  'claude-instant-1.2',
  'anthropic/claude-sonnet-4.5',
  'anthropic/claude-3.7-sonnet:thinking',
  'anthropic.claude-sonnet-4-5-20250929-v1:0',
  'anthropic.claude-v2:1',
  'claude-sonnet-4@20250514',
  'CLAUDE-OPUS-4-6',
  'gpt-4o',
  'openai/gpt-4.1-mini',
  'llama3.2',
  'mistral-large',
  'qwen3:4b',
])('%s takes a temperature', (model) => {
  expect(acceptsTemperature(model)).toBe(true)
  expect(acceptsTemperature(model, '2023-06-01')).toBe(true)
  expect(acceptsTemperature(model, '2026-10-21')).toBe(false)
})

it.each([
  'claude-fable-5-2',
  'claude-mythos-5-2',
  'claude-haiku-5-5',
  'claude-sonnet-5-5',
  'claude-fable-5-1',
  'claude-opus-5-5',
  'claude-mythos-5-1',
  'claude-sonnet-5',
  'claude-fable-5',
  'claude-mythos-5',
  'claude-opus-5',
  'claude-opus-4-8',
  'claude-opus-4-7',
  'claude-mythos-preview',
  'claude-opus-4-7-20260416',
  'claude-opus-4-10',
  'anthropic/claude-opus-4.8',
  'anthropic/claude-opus-5.5',
  'claude-haiku-6-20271001',
  'o3',
  'o4-mini',
  'gpt-6-astra',
  'openai/gpt-6.1-sol',
  'codex-mini-latest',
  'openai/o1-preview',
  'gpt-5',
  'openai/gpt-5-mini',
])('%s takes none', (model) => {
  expect(acceptsTemperature(model)).toBe(false)
})

it.each([
  ['o3', true, false],
  ['gpt-5.5', true, false],
  ['gpt-6.1-sol', true, false],
  ['openai/gpt-6-luna', true, false],
  ['GPT-5', true, false],
  ['gpt-4o', false, true],
  ['openai/gpt-3.5-turbo', false, true],
  ['gpt-oss-120b', false, false],
  ['my-gpt-5-like', false, false],
  ['claude-sonnet-5', false, false],
])('%s: thinks as OpenAI’s do %s, and never does %s', (model, thinks, never) => {
  expect([isOpenAiReasoningModel(model), isOpenAiNonReasoningModel(model)]).toEqual([thinks, never])
})

import { createRequest } from '@spillway/middleware'
import { type JsonObject, jsonBodyFromObject } from '@spillway/middleware/kit'
import {
  answerToAnthropic,
  answerToOpenAi,
  fitRequest,
  modelCapabilities,
  requestToAnthropic,
  requestToOpenAi,
  StreamTranslator,
} from '@spillway/translation'
import { conversationOf, estimatePromptTokens, readWholeAnswer, StreamReader } from '@spillway/wire'
import { expect, it } from 'vitest'
import { chatBody } from './chat-bodies.ts'
import { Dice } from './dice.ts'
import { type Json, mutateTree, write } from './json-mutations.ts'
import { messagesBody } from './messages-bodies.ts'
import { validAnswer } from './valid-answers.ts'

const cases = 4_000
const models = ['claude-sonnet-5-5', 'claude-haiku-4-5', 'gpt-5', 'other']

/** JSON after some changes; undefined where it is none any more, or has more levels than a gateway takes. */
function mutated(value: Json, dice: Dice): unknown {
  const text = write(mutateTree(value, dice, dice.pick([1, 2, 3, 8])))
  try {
    return /[[{]{400}|(?:\{"a":){400}/.test(text) ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

it('no request makes a translation throw', () => {
  for (let index = 0; index < cases; index++) {
    const dice = new Dice(11, index)
    const api = dice.chance(0.5) ? 'anthropic' : 'openai'
    const body = mutated((api === 'anthropic' ? messagesBody : chatBody)(dice, dice.pick(models), 'm'), dice)
    if (typeof body !== 'object' || body === null || Array.isArray(body)) continue
    const json = body as JsonObject
    const translated =
      api === 'anthropic' ? requestToOpenAi(json, dice.pick(['openai', 'ollama'])) : requestToAnthropic(json)
    JSON.stringify(translated.body)
    const model = { ...modelCapabilities(dice.pick(models)), images: dice.chance(0.5), contextTokens: 500 }
    const apiVersion = dice.pick(['2023-06-01', '2026-10-21'])
    fitRequest({ api, body: json, apiVersion, isOtherModel: dice.chance(0.5) }, model)
    estimatePromptTokens(json)
    conversationOf(
      createRequest({
        api,
        operation: 'generate',
        model: 'x',
        stream: false,
        url: '/',
        headers: {},
        body: jsonBodyFromObject(json),
      }),
    )
  }
})

it('no answer makes a translation throw', () => {
  let translated = 0
  for (let index = 0; index < cases; index++) {
    const dice = new Dice(12, index)
    const api = dice.chance(0.5) ? 'anthropic' : 'openai'
    const answer = mutated(validAnswer(dice, askedOf(api, false), 'm').whole, dice)
    const bytes = Buffer.from(JSON.stringify(answer) ?? '')
    if (readWholeAnswer({ api, operation: 'generate' }, 200, {}, bytes, 0).failure !== undefined) continue
    const whole = (api === 'anthropic' ? answerToOpenAi : answerToAnthropic)(answer as JsonObject)
    JSON.stringify(whole.body)
    translated++
  }
  expect(translated).toBeGreaterThan(cases / 4)
})

it('no stream makes its reader or a translation throw', () => {
  for (let index = 0; index < cases; index++) {
    const dice = new Dice(13, index)
    const api = dice.chance(0.5) ? 'anthropic' : 'openai'
    const events = validAnswer(dice, askedOf(api, true), 'm').events.map(({ name, data }) => {
      const changed = data === '[DONE]' || dice.chance(0.7) ? data : mutated(structuredClone(data), dice)
      const text = data === '[DONE]' ? data : JSON.stringify(changed ?? null)
      return name === undefined ? `data: ${text}\n\n` : `event: ${name}\ndata: ${text}\n\n`
    })
    const bytes = Buffer.from(events.join(''))
    const translator = new StreamTranslator(api === 'anthropic' ? 'openai' : 'anthropic')
    translator.push(bytes)
    translator.end()
    const reader = new StreamReader(api, { keepTranscript: true })
    reader.push(bytes)
    reader.rest()
    void reader.transcript?.blocks
  }
})

function askedOf(api: 'anthropic' | 'openai', stream: boolean) {
  return { target: 'x', attempt: 1, api, isCount: false, stream, head: '' }
}

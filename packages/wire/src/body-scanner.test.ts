import { type Api, createRequest } from '@spillway/middleware'
import {
  fieldOf,
  type JsonBody,
  type JsonObject,
  jsonBodyFromBytes,
  withField,
} from '@spillway/middleware/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asciiJson, prompts } from '../test/prompts.ts'
import { type BodyLimits, BodyScanner, bodyLimits } from './body-scanner.ts'
import { conversationOf } from './conversation.ts'
import { promptFactsOf, sightingsIn } from './prompt-facts.ts'

/** The body, or what is wrong with it, read in pieces of so many bytes. */
function scanned(
  text: string | Uint8Array,
  limits?: Partial<BodyLimits>,
  size = Infinity,
): JsonBody | string {
  const bytes = Buffer.from(text as string)
  const scanner = new BodyScanner(limits)
  for (let at = 0; at < bytes.length && scanner.problem === undefined; at += size) {
    scanner.write(bytes.subarray(at, Math.min(bytes.length, at + size)))
  }
  return scanner.end(bytes)
}

function bodyOf(text: string, size?: number): JsonBody {
  const body = scanned(text, {}, size)
  if (typeof body === 'string') throw new Error(body)
  return body
}

describe('the fields of a body', () => {
  it('are those that JSON.parse finds, in whatever pieces it comes', () => {
    const objects = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue(), { maxKeys: 8 })
    fc.assert(
      fc.property(
        objects,
        fc.constantFrom('', ' '),
        fc.integer({ min: 1, max: 50 }),
        (value, space, size) => {
          const text = JSON.stringify(value, undefined, space)
          const json: JsonObject = JSON.parse(text)
          const body = scanned(text, {}, size)
          if (typeof body === 'string') return expect(body).toMatch(/some servers take it for/)
          expect([...(body.fields?.keys() ?? [])].sort()).toEqual(Object.keys(json).sort())
          for (const name of Object.keys(json)) expect(fieldOf(body, name)).toEqual(json[name])
          expect(body.json).toEqual(json)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('may be written with escapes, in any layout, with a byte order mark before them', () => {
    const text = '\ufeff\n{ "mod\\u0065l" : "a\\u00e9\\ud83d\\ude00" , "stream":true,"x":[1,{"model":"no"}]}'
    for (let size = 1; size <= text.length; size++) {
      const body = bodyOf(text, size)
      expect(fieldOf(body, 'model')).toBe('aé😀')
      expect(fieldOf(body, 'stream')).toBe(true)
      expect(fieldOf(body, 'max_tokens')).toBeUndefined()
    }
  })

  it('count by their last value where they are there twice, unless something is decided by them', () => {
    expect(fieldOf(bodyOf('{"a":1,"a":2}'), 'a')).toBe(2)
    expect(fieldOf(bodyOf('{"a":1}'), 'toString')).toBeUndefined()
  })

  it('are read without parsing the rest', () => {
    const body = bodyOf('{"model":"m","n":[1,2]}')
    const spoilt = body.bytes as Buffer
    spoilt.write('?', spoilt.length - 2)
    expect(fieldOf(body, 'model')).toBe('m')
    expect(() => body.json).toThrow(SyntaxError)
  })
})

describe('a field with another value', () => {
  it('changes nothing else, and is where it is said to be', () => {
    const objects = fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 4 })
    const names = fc.oneof(fc.string({ maxLength: 4 }), fc.constant(undefined))
    fc.assert(
      fc.property(
        objects,
        names,
        fc.jsonValue({ maxDepth: 1 }),
        fc.constantFrom('', ' '),
        (value, any, put, space) => {
          const name = any ?? Object.keys(value)[0] ?? 'a'
          if (name === '__proto__') return
          const body = scanned(`\ufeff${space}${JSON.stringify(value, undefined, space)}`)
          if (typeof body === 'string') return
          const changed = withField(body, name, put)
          const expected = { ...JSON.parse(JSON.stringify(value)), [name]: JSON.parse(JSON.stringify(put)) }
          expect(changed.json).toEqual(expected)
          for (const each of Object.keys(expected)) expect(fieldOf(changed, each)).toEqual(expected[each])
          expect(body.json).toEqual(JSON.parse(JSON.stringify(value)))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('is put in place without parsing the body', () => {
    const body = bodyOf('{"a":[1],"model":"m","b":{"c":2}}')
    ;(body.bytes as Buffer).write('?', body.bytes.indexOf(0x31))
    expect(Buffer.from(withField(body, 'model', 'longer').bytes).toString()).toBe(
      '{"a":[?],"model":"longer","b":{"c":2}}',
    )
  })
})

describe('a name that parsers read differently', () => {
  it.each([
    ['{"model":"a","model":"b"}', /^model: given more than once/],
    ['{"model":"a","mod\\u0065l":"a"}', /^model: given more than once/],
    ['{"stream":true,"stream":true}', /^stream: given more than once/],
    ['{"model":"a","Model":"b"}', /^"Model": .* write model$/],
    ['{"Model":"b"}', /^"Model": /],
    ['{"model":"a","STREAM":true}', /^"STREAM": .* write stream$/],
    ['{"model":"a","\u017ftream":true}', /write stream$/],
    ['{"model":"a","max_to\u212aens":1}', /write max_tokens$/],
    ['{"model":"a","model\\u0000":"b"}', /write model$/],
    ['{"model":"a","mod\\ud800el":"b"}', /write model$/],
    ['{"model":"a","model ":"b"}', /write model$/],
  ])('is refused: %s', (text, message) => {
    expect(scanned(text)).toMatch(message)
  })

  it.each([
    '{"model":"a","models":["b"],"model_2":1,"model2":2,"x-model":3,"metadata":{"model":"b","Model":"c"}}',
    '{"model":"a","metadata":1,"metadata":2,"Metadata":3}',
  ])('is not one that only looks alike, or that nothing is decided by: %s', (text) => {
    expect(fieldOf(bodyOf(text), 'model')).toBe('a')
  })
})

describe('a body that is refused', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ['broken', '{"a":1,}', /^the body is not a JSON object: unexpected byte at position 7$/],
    ['cut off', '{"a":', /^the body is not a JSON object: it ends after 5 bytes$/],
    ['white space', ' \n', /^the body is not a JSON object: it ends after 2 bytes$/],
    ['a list', '[{}]', /^the body is not a JSON object$/],
    ['a text', '"a"', /^the body is not a JSON object$/],
    ['followed by more', '{} {}', /unexpected byte at position 3$/],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /^the body is not valid UTF-8$/],
    [
      'not UTF-8 in a text',
      Buffer.from([...Buffer.from('{"a":"'), 0xc3, 0x28, 0x22, 0x7d]),
      /not valid UTF-8$/,
    ],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), /^the body is not a JSON object/],
  ])('says what is wrong with it: %s', (_, text, message) => {
    for (const size of [1, 3, 1_000]) expect(scanned(text, {}, size)).toMatch(message)
  })

  it.each<[Partial<BodyLimits>, string, string]>([
    [{ depth: 3 }, '{"a":[{}]}', '{"a":[{"b":[]}]}'],
    [{ values: 4 }, '{"a":[1,2]}', '{"a":[1,2,3]}'],
    [{ fields: 2 }, '{"a":1,"b":{"c":1,"d":2}}', '{"a":1,"b":2,"c":3}'],
    [{ fieldName: 5 }, '{"abc":{"abcd":1}}', '{"abcd":1}'],
  ])('says which limit it exceeds: %j', (limits, most, more) => {
    expect(scanned(most, limits)).toBeTypeOf('object')
    const [[name, limit]] = Object.entries(limits) as [[string, number]]
    expect(scanned(more, limits), name).toMatch(new RegExp(`more than ${limit} `))
  })

  it('need not be read to its end', () => {
    const scanner = new BodyScanner()
    scanner.write(Buffer.from('{"a":'.repeat(bodyLimits.depth)))
    expect(scanner.problem).toBeUndefined()
    scanner.write(Buffer.from('{"a":'))
    expect(scanner.problem).toMatch(/256 levels/)
    scanner.write(Buffer.from('anything'))
    expect(scanner.end(Buffer.from(''))).toBe(scanner.problem)
  })

  it('is not one with as many messages as Anthropic takes', () => {
    const messages = Array.from({ length: 100_000 }, (_, index) => `{"role":"user","content":"${index}"}`)
    expect(scanned(`{"model":"m","messages":[${messages.join(',')}]}`)).toBeTypeOf('object')
  })
})

describe('what a scan tells of a prompt', () => {
  const requestOf = (body: JsonBody, session?: string, api: Api = 'anthropic') =>
    createRequest({ api, model: 'm', stream: false, url: '/', body, context: { session } })

  it('is which conversation it belongs to, as parsing tells', () => {
    fc.assert(
      fc.property(prompts, fc.integer({ min: 1, max: 99 }), fc.boolean(), (prompt, size, isAscii) => {
        const text = isAscii ? asciiJson(prompt) : JSON.stringify(prompt)
        for (const api of ['anthropic', 'openai', 'responses'] as const) {
          for (const session of [undefined, 's']) {
            const body = bodyOf(text, size)
            expect(promptFactsOf(body)).toBeDefined()
            const parsed = conversationOf(requestOf(jsonBodyFromBytes(body.bytes), session, api))
            expect(conversationOf(requestOf(body, session, api))).toEqual(parsed)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    '{"messages":[{"role":"user","content":[{"typ\\u0065":"thinking"}]}]}',
    '{"messages":[{"role":"assistant","content":[{"type":"\\u0074hinking"}]}]}',
    '{"messages":[{"role":"assistant","content":[{"type":"text","type":"thinking"}]}]}',
    '{"messages":[{"role":"assistant","content":[{"type":"thinking","signature":"a","signature":""}]}]}',
    '{"messages":[{"role":"assistant","content":[{"type":"thinking","signature":"\\u0073pillway:1"}]}]}',
    '{"messages":[{"role":"assistant","role":"user","content":[]}]}',
    '{"m\\u0065ssages":[{"role":"assistant","content":[{"type":"thinking"}]}]}',
  ])('is nothing where only a parser can tell: %s', (text) => {
    expect(promptFactsOf(bodyOf(text))).toBeUndefined()
  })

  it('is told without parsing anything, but where names are escaped', () => {
    const long = 'A text of which a part is looked at. '.repeat(99)
    const tool = `{"name":"read","input_schema":{"type":"object"}}`
    const bodyWith = (role: string): JsonBody =>
      bodyOf(
        `{"system":[{"type":"text","text":"${long}"}],"tools":[${tool}],"messages":[{"${role}":"user","content":"${long}"}],"n":[1,2]}`,
      )
    const plain = bodyWith('role')
    const parsed = conversationOf(requestOf(jsonBodyFromBytes(plain.bytes.slice())))
    const spoilt = plain.bytes as Buffer
    spoilt.write('?', spoilt.length - 3)
    expect(conversationOf(requestOf(plain))).toEqual(parsed)
    expect(conversationOf(requestOf(bodyWith('r\\u006fle')))).toEqual(parsed)
  })

  it.each(['system', 'tool', 'role', 'content'])(
    'looks at no more than the ends of a long one: %s',
    (place) => {
      const of = (where: string): string => (place === where ? 'x'.repeat(10_000) : 'a')
      const body = bodyOf(
        `{"system":"${of('system')}","tools":[{"name":"${of('tool')}"}],"messages":[{"role":"${of('role')}","content":"${of('content')}"}]}`,
      )
      const parsed = conversationOf(requestOf(jsonBodyFromBytes(body.bytes.slice())))
      const middle = (body.bytes as Buffer).indexOf('x') + 5_000
      ;(body.bytes as Buffer).write('?', middle)
      expect(conversationOf(requestOf(body))).toEqual(parsed)
    },
  )

  it('takes a text for another one that differs in its length, its beginning or its end', () => {
    const long = '日本語😀'.repeat(999)
    const texts = [long, `${long}語`, `語${long}`, `${long.slice(0, -1)}é`, long.slice(2)]
    const keys = texts.map((text) =>
      conversationOf(requestOf(bodyOf(JSON.stringify({ messages: [{ role: 'user', content: text }] })))),
    )
    expect(new Set(keys.map((each) => each?.key)).size).toBe(texts.length)
  })
})

describe('what is sighted in a body', () => {
  /** All names and types of a value, at any depth. */
  function seenIn(value: unknown, names: Set<string>, kinds: Set<string>): void {
    if (typeof value !== 'object' || value === null) return
    for (const [name, each] of Object.entries(value)) {
      if (!Array.isArray(value)) names.add(name)
      if (name === 'type' && typeof each === 'string') kinds.add(each)
      seenIn(each, names, kinds)
    }
  }

  const telling = ['file_id', 'file_ids', 'container', 'container_id', 'vector_store_ids']
  const ofMedia = ['file_id', 'file_data', 'file_url', 'image_url', 'images', 'input_audio', 'video_url']
  const kinds = ['text', 'tool_use', 'image', 'document', 'web_search_20250305', 'x'.repeat(99), 'object']
  const names = fc.constantFrom('a', 'type', 'content', 'tools', 'messages', ...telling, ...ofMedia)
  const values = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'large', maxDepth: 9 },
      fc.constantFrom<unknown>(...kinds, 7, null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(names, tie('value'), { maxKeys: 4 }),
    ),
  })).value

  it('is all that is there, at any depth and in whatever pieces it comes', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 40 }), (value, size) => {
        const body = bodyOf(JSON.stringify({ value }), size)
        const [seenNames, seenKinds] = [new Set<string>(), new Set<string>()]
        seenIn(value, seenNames, seenKinds)
        const sightings = sightingsIn(body)
        expect(sightings?.ids).toBe(telling.some((name) => seenNames.has(name)))
        expect(sightings?.media).toBe(ofMedia.some((name) => seenNames.has(name)))
        const unusual = [...seenKinds].filter((kind) => !['text', 'tool_use', 'object'].includes(kind))
        expect(new Set(sightings?.kinds)).toEqual(new Set(unusual))
      }),
      { numRuns: 1_000 },
    )
  })

  it.each<[string, 'none' | 'plain' | 'other']>([
    ['[]', 'none'],
    ['null', 'none'],
    ['[{"name":"a","input_schema":{"type":"object","properties":{"model":{"type":"string"}}}}]', 'plain'],
    ['[{"type":"custom","name":"a"},{"type":"function","function":{"name":"b","tools":[]}}]', 'plain'],
    ['[{"type":"custom"},{"type":"web_search_20250305"}]', 'other'],
    ['[{"type":"custom","type":"web_search_20250305"}]', 'other'],
    ['[{"type":"web_search_20250305","type":"custom"}]', 'other'],
    ['[{"type":["web_search_20250305"]}]', 'other'],
    ['[{"type":"text"}]', 'other'],
    ['[{"name":"a","server_url":"https://a"}]', 'other'],
    ['[{"name":"a","model":"b"}]', 'other'],
    ['[{"name":"a","tools":[]}]', 'other'],
    ['["a"]', 'other'],
    ['[[{"name":"a"}]]', 'other'],
    ['{"name":"a"}', 'other'],
    ['"a"', 'other'],
    ['7', 'other'],
    ['{}', 'other'],
  ])('says whether tools are such as the client runs: %s', (tools, expected) => {
    expect(sightingsIn(bodyOf(`{"tools":${tools}}`))?.tools).toBe(expected)
  })

  it.each([
    '{"a":[[[[[[[{"\\u0066ile_id":"x"}]]]]]]]}',
    '{"\\u0074ools":[{"type":"mcp"}]}',
    '{"a":[[[[[[[{"type":"im\\u0061ge"}]]]]]]]}',
    `{"a":[${'{"type":"kind"},'.repeat(65)}1]}`,
    `{"type":"${'x'.repeat(300)}"}`,
  ])('is nothing where only a parser can tell: %s', (text) => {
    expect(sightingsIn(bodyOf(text))).toBeUndefined()
  })
})

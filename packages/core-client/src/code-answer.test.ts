import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { createClient } from './client.ts'
import type { CodeAnswer } from './code-answer.ts'

async function codeOf(text: string): Promise<CodeAnswer> {
  await using claude = await startClaude({ reply: { text } })
  await using client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'k' })
  return await client.generateCode('Write it')
}

const answers: [what: string, answer: string, code: string, language: string | undefined][] = [
  ['one fence', '```ts\nconst a = 1\n```', 'const a = 1', 'ts'],
  ['words around the fence', 'Here:\n\n```ts\nconst a = 1\n```\nDone.', 'const a = 1', 'ts'],
  ['no fence', '\nconst a = 1\n', 'const a = 1', undefined],
  ['a fence without a language', '```\na\n```', 'a', undefined],
  ['several fences', '```ts\na\n```\nand\n```js\nb\n```', 'a\n\nb', 'ts'],
  ['a fence that is not closed', '```ts\nconst a =', 'const a =', 'ts'],
  ['a fence of tildes', '~~~py\nprint(1)\n~~~', 'print(1)', 'py'],
  ['a fence within a longer one', '````md\n```ts\na\n```\n````', '```ts\na\n```', 'md'],
  ['backticks within tildes', '~~~md\n```\na\n```\n~~~', '```\na\n```', 'md'],
  ['indented code', '```py\nif a:\n    b\n\n    c\n```', 'if a:\n    b\n\n    c', 'py'],
  ['an empty fence', '```ts\n```', '', 'ts'],
  ['lines that end in CRLF', '```ts\r\na\r\nb\r\n```\r\n', 'a\r\nb', 'ts'],
]

it.each(answers)('takes the code out of %s', async (_, answer, code, language) => {
  expect(await codeOf(answer)).toMatchObject({ code, language, text: answer })
})

it('adds its instructions to those of the caller', async () => {
  await using claude = await startClaude()
  await using client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'k' })
  await client.generateCode('Write it', { system: 'Use two spaces.' })
  expect(claude.requests[0]?.json).toMatchObject({
    system: expect.stringMatching(/^Use two spaces\.\n\nAnswer with code only/),
  })
})

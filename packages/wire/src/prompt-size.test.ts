import { randomBytes } from 'node:crypto'
import { type JsonBody, jsonBodyFromBytes, jsonBodyFromObject } from '@spillway/middleware/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BodyScanner } from './body-scanner.ts'
import { promptSizeOf } from './prompt-size.ts'

const png = `iVBORw0KGgo${randomBytes(30_000).toString('base64')}`
const pdf = `JVBERi0x${randomBytes(300_000).toString('base64')}`
const base64 = (type: string, media_type: string, data: string): { type: string; source: object } => ({
  type,
  source: { type: 'base64', media_type, data },
})
const image = base64('image', 'image/png', png)
const byUrl = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }
const dataUrl = { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } }

function bodyOf(...content: unknown[]): JsonBody {
  return jsonBodyFromObject({ model: 'm', messages: [{ role: 'user', content }] })
}

describe('an image', () => {
  it.each<[string, unknown[], number]>([
    ['in base64', [image], 1],
    ['by URL', [byUrl], 1],
    ['in a data URL', [dataUrl], 1],
    ['in the result of a tool', [{ type: 'tool_result', tool_use_id: 't', content: [image, byUrl] }], 2],
    ['too small to be noticed by its data', [base64('image', 'image/png', 'iVBORw0KGgoAAAA')], 1],
    ['several times', [image, byUrl, dataUrl, image], 4],
  ])('%s counts as one, not as text', (_, content, images) => {
    const { textBytes, mediaTokens } = promptSizeOf(bodyOf(...content))
    expect(mediaTokens).toBe(images * 1600)
    expect(textBytes).toBeLessThan(600)
  })

  it.each(['/9j/4AAQSkZJRg', 'R0lGODlh', 'UklGRiQA'])('is known by how it begins: %s', (beginning) => {
    const { mediaTokens } = promptSizeOf(bodyOf(base64('image', '', beginning + 'A'.repeat(5_000))))
    expect(mediaTokens).toBe(1600)
  })

  it('is found however the JSON is written', () => {
    const pretty = JSON.stringify({ messages: [{ role: 'user', content: [image, byUrl] }] }, null, '\t')
    const { mediaTokens, textBytes } = promptSizeOf(jsonBodyFromBytes(Buffer.from(pretty)))
    expect(mediaTokens).toBe(2 * 1600)
    expect(textBytes).toBeLessThan(600)
  })
})

it('counts a document by its length', () => {
  const { textBytes, mediaTokens } = promptSizeOf(bodyOf(base64('document', 'application/pdf', pdf)))
  expect(mediaTokens).toBe(Math.ceil(pdf.length / 40))
  expect(textBytes).toBeLessThan(300)
  const file = { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${pdf}` } }
  expect(promptSizeOf(bodyOf(file)).mediaTokens).toBeGreaterThan(10_000)
})

it('counts no signatures', () => {
  const signature = randomBytes(3_000).toString('base64')
  const thought = { type: 'thinking', thinking: 'Hm.', signature }
  const { textBytes, mediaTokens } = promptSizeOf(bodyOf(thought))
  expect(textBytes).toBeLessThan(200)
  expect(mediaTokens).toBe(0)
})

it('takes the number of images from the scan where there was one, and finds those of tools by their data', () => {
  const { bytes } = bodyOf(byUrl, dataUrl, { type: 'text', text: 'Hi' })
  const scanned = (of: Uint8Array): JsonBody => {
    const scanner = new BodyScanner()
    scanner.write(of)
    return scanner.end(of) as JsonBody
  }
  expect(promptSizeOf(scanned(bytes)).mediaTokens).toBe(2 * 1600)
  const nested = bodyOf({ type: 'tool_result', tool_use_id: 't', content: [image, image] })
  expect(promptSizeOf(scanned(nested.bytes)).mediaTokens).toBe(2 * 1600)
})

describe('text stays text', () => {
  it.each<[string, string]>([
    ['that is base64', png],
    ['about images', `{"type":"image","source":{"type":"base64","data":"${png}"}}`],
    ['that is a data URL', `data:image/png;base64,${png}`],
    ['with a data URL in it', `<img src="data:image/png;base64,${png}">`],
    ['without spaces', 'a'.repeat(100_000)],
    ['full of quotes', '"'.repeat(20_000)],
  ])('%s', (_, text) => {
    const body = bodyOf({ type: 'text', text })
    expect(promptSizeOf(body)).toEqual({ textBytes: body.bytes.length, mediaTokens: 0 })
  })

  it('in any body without media, to the last byte', () => {
    const bodies = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }))
    fc.assert(
      fc.property(bodies, fc.string({ minLength: 500, maxLength: 3_000 }), (json, text) => {
        const body = jsonBodyFromObject({ ...json, messages: [{ role: 'user', content: text }] })
        expect(promptSizeOf(body)).toEqual({ textBytes: body.bytes.length, mediaTokens: 0 })
      }),
    )
  })
})

it('finds each of any number of images between any texts', () => {
  const blocks = fc.oneof(
    fc.string({ maxLength: 3_000 }).map((text) => ({ type: 'text', text })),
    fc.constantFrom(image, byUrl, dataUrl),
  )
  fc.assert(
    fc.property(fc.array(blocks, { maxLength: 8 }), (content) => {
      const images = content.filter(({ type }) => type.startsWith('image')).length
      const { textBytes, mediaTokens } = promptSizeOf(bodyOf(...content))
      expect(mediaTokens).toBe(images * 1600)
      const text = content.filter((block) => 'text' in block)
      const least = Buffer.byteLength(JSON.stringify(text))
      expect(textBytes).toBeGreaterThanOrEqual(least)
      expect(textBytes).toBeLessThan(least + 400 * (images + 1))
    }),
    { numRuns: 50 },
  )
})

it('looks through a large body once', () => {
  const body = bodyOf(image)
  expect(promptSizeOf(body)).toBe(promptSizeOf(body))
})

it.each<[string, () => string]>([
  ['one image', () => JSON.stringify({ messages: [{ content: [base64('image', '', png.repeat(700))] }] })],
  ['one text without spaces', () => `{"messages":[{"content":"${'a'.repeat(30e6)}"}]}`],
  // As many escapes as a body may have.
  ['text with quotes', () => `{"messages":[{"content":"${'\\"word '.repeat(4.3e6)}"}]}`],
  ['images by reference', () => `{"messages":[{"content":[${'{"type":"image"},'.repeat(1.7e6)}1]}]}`],
  ['short texts', () => `{"messages":[${'{"text":"word word"},'.repeat(1.4e6)}1]}`],
])('takes less than 100 ms of CPU for 30 MB of %s', (_, text) => {
  const bytes = Buffer.from(text())
  const times = Array.from({ length: 5 }, () => {
    const body = jsonBodyFromBytes(bytes)
    const begun = process.cpuUsage()
    promptSizeOf(body)
    return process.cpuUsage(begun).user / 1_000
  })
  expect(Math.min(...times)).toBeLessThan(100)
})

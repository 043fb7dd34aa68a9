import type { JsonObject } from '@spillway/middleware/kit'
import { stringField } from '@spillway/wire/internal'
import { defined } from './json.ts'
import type { Loss } from './loss.ts'

type Lose = (loss: Loss) => void

const dataUrl = /^data:([^;,]+)(?:;[^;,]+)*;base64,(.*)$/is

/** What Anthropic takes, in these very words, and the other names of the same. */
const imageTypes: ReadonlyMap<string, string> = new Map([
  ['image/jpeg', 'image/jpeg'],
  ['image/jpg', 'image/jpeg'],
  ['image/pjpeg', 'image/jpeg'],
  ['image/png', 'image/png'],
  ['image/x-png', 'image/png'],
  ['image/gif', 'image/gif'],
  ['image/webp', 'image/webp'],
])

/** The data of a URL that holds it, with its type in lower case. */
function dataOf(url: string): { readonly type: string; readonly data: string } | undefined {
  const [, type, data] = dataUrl.exec(url) ?? []
  return type === undefined || data === undefined ? undefined : { type: type.trim().toLowerCase(), data }
}

/** The block for an `image_url` part. Types that are no image to Anthropic become what they are, or a note. */
export function imageBlock(part: JsonObject, lose: Lose): JsonObject {
  const url = stringField(part.image_url, 'url') ?? (typeof part.image_url === 'string' ? part.image_url : '')
  const held = dataOf(url)
  const media_type = imageTypes.get(held?.type ?? '')
  if (held !== undefined && media_type !== undefined) {
    return { type: 'image', source: { type: 'base64', media_type, data: held.data } }
  }
  if (held?.type === 'application/pdf') return pdfBlock(held.data)
  // By their URL Anthropic reads nothing without TLS.
  if (/^https:/i.test(url)) return { type: 'image', source: { type: 'url', url } }
  lose('images')
  return { type: 'text', text: '[an image that could not be passed on]' }
}

function pdfBlock(data: string, title?: string): JsonObject {
  return defined({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data }, title })
}

/** The block for a `file` part: a PDF or a text; a note for anything else. */
export function documentBlock(part: JsonObject, lose: Lose): JsonObject {
  const title = stringField(part.file, 'filename')
  const held = dataOf(stringField(part.file, 'file_data') ?? '')
  if (held?.type === 'application/pdf') return pdfBlock(held.data, title)
  if (held?.type.startsWith('text/')) {
    const text = Buffer.from(held.data, 'base64').toString()
    return defined({
      type: 'document',
      source: { type: 'text', media_type: 'text/plain', data: text },
      title,
    })
  }
  lose('documents')
  const named = title === undefined ? '' : ` (${title})`
  return { type: 'text', text: `[a document${named} that could not be passed on]` }
}

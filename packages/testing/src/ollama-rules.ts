import { type Call, fieldsOf } from './answer.ts'
import { callsOf, messagesOf } from './chat-tool-turns.ts'

const imageData = /^data:image\/(?:jpeg|jpg|png|webp);base64,/

/** What Ollama refuses of a chat request; fields that it does not know, it passes over. */
export function refusedByOllama({ request }: Call): { status: number; message: string } | undefined {
  const body = fieldsOf(request.json)
  for (const message of messagesOf(body)) {
    const { content } = message
    if (content != null && typeof content !== 'string' && !Array.isArray(content)) {
      return bad(`invalid message content type: ${typeof content}`)
    }
    if (content == null && callsOf(message).length === 0) return bad('invalid message content type: <nil>')
    for (const part of (Array.isArray(content) ? content : []).map(fieldsOf)) {
      if (part.type === 'text' && typeof part.text === 'string') continue
      if (part.type !== 'image_url') return bad('invalid message format')
      const { image_url: image } = part
      const url = typeof image === 'string' ? image : fieldsOf(image).url
      if (!imageData.test(String(url))) return bad('invalid image input')
    }
    for (const call of callsOf(message)) {
      const { arguments: args } = fieldsOf(call.function)
      try {
        JSON.parse(String(args))
      } catch {
        return bad('invalid tool call arguments')
      }
    }
  }
  return undefined
}

/** Its Messages endpoint takes images as data alone. What else it does not know (a choice of tools, a schema), it passes over. */
export function refusedImages({ request }: Call): { status: number; message: string } | undefined {
  for (const { content } of messagesOf(fieldsOf(request.json))) {
    for (const block of (Array.isArray(content) ? content : []).map(fieldsOf)) {
      const { type } = fieldsOf(block.source)
      if (block.type !== 'image' || type === 'base64') continue
      return bad(`invalid image source type: ${type}. Only base64 images are supported.`)
    }
  }
  return undefined
}

function bad(message: string): { status: number; message: string } {
  return { status: 400, message }
}

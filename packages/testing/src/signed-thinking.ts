import { type Call, fieldsOf, type Refusal } from './answer.ts'
import { signature } from './anthropic-message.ts'
import type { FullReply } from './reply.ts'

/** What a Claude has thought and signed; it knows its own thinking again. */
export class SignedThinking {
  readonly #signed = new Map<string, string>()

  sign(call: Call, { thinking }: FullReply): void {
    if (thinking.length > 0) this.#signed.set(signature(call), thinking.join(''))
  }

  /** What is wrong with the thinking that a conversation brings back. */
  refused({ request }: Call): Refusal | undefined {
    const { messages } = fieldsOf(request.json)
    for (const [i, message] of (Array.isArray(messages) ? messages : []).entries()) {
      const { content } = fieldsOf(message)
      if (!Array.isArray(content)) continue
      for (const [k, value] of content.entries()) {
        const block = fieldsOf(value)
        if (block.type !== 'thinking') continue
        const place = `messages.${i}.content.${k}`
        if (this.#signed.get(String(block.signature)) !== block.thinking) {
          return { status: 400, message: `${place}: Invalid \`signature\` in \`thinking\` block` }
        }
        if (k > 0) return { status: 400, message: `${place}: thinking blocks must come first` }
      }
    }
    return undefined
  }
}

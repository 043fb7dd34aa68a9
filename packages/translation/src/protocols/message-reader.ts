import type { Usage } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { anthropicUsage } from '@spillway/wire'
import { field, isObject, parseBounded, stringField, withSources } from '@spillway/wire/internal'

/** What is made of the events of a message. */
export interface MessageListener<T> {
  ping(): T
  /** Of an event that is no JSON. */
  broken(): T
  begin(message: unknown): T
  startBlock(block: JsonObject): T
  addDelta(delta: JsonObject): T
  stopBlock(): T
}

/** Reads the events of a message, and keeps what it has used and why it has ended. */
export class MessageReader {
  usage: Usage | undefined
  stopReason: string | undefined

  /** Undefined for an event of which nothing is made. */
  read<T>(
    { name, data }: { readonly name: string; readonly data: string },
    listener: MessageListener<T>,
  ): T | undefined {
    const event = parseBounded(data)
    const type = name || stringField(event, 'type')
    if (type === 'ping') return listener.ping()
    if (!isObject(event)) return listener.broken()
    switch (type) {
      case 'message_start':
        this.usage = anthropicUsage(field(event.message, 'usage'))
        return listener.begin(event.message)
      case 'content_block_start':
        return listener.startBlock(blockOf(event, data))
      case 'content_block_delta':
        return listener.addDelta(isObject(event.delta) ? event.delta : {})
      case 'content_block_stop':
        return listener.stopBlock()
      case 'message_delta':
        this.usage = anthropicUsage(event.usage, this.usage)
        this.stopReason = stringField(event.delta, 'stop_reason') ?? this.stopReason
    }
    return undefined
  }
}

/** The block that an event begins. Some servers send the whole input of a tool with it, which is passed on as it came. */
function blockOf(event: JsonObject, data: string): JsonObject {
  const block = event.content_block
  if (!isObject(block)) return {}
  if (isObject(block.input) && Object.keys(block.input).length > 0) withSources(event, Buffer.from(data))
  return block
}

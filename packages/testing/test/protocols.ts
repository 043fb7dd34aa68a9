import { type Reply, type SimulatedServer, startClaude, startOllama, startOpenRouter } from '../src/index.ts'
import { claudeHeaders, messagesBody } from './raw-client.ts'

/** One way to ask a simulated server, and how it looks when things go wrong. */
export interface Protocol {
  readonly name: string
  readonly start: () => Promise<SimulatedServer>
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body: Record<string, unknown>
  /** The error type or message that a body or event names. */
  readonly errorOf: (body: unknown) => unknown
  readonly overloaded: string
  readonly inStream: string
  readonly lastEvent: string
}

type Dict = Record<string, Record<string, Record<string, unknown>>>
/** Headers that the simulated OpenRouter lets in. */
export const bearer: Record<string, string> = { authorization: 'Bearer sk-or-test' }
/** A small chat request. */
export const chatBody: Record<string, unknown> = {
  model: 'llama3.2',
  messages: [{ role: 'user', content: 'Hello' }],
}
/** What all of them say: more bytes than characters. */
export const reply: Reply & { text: string } = { text: 'Wässer run ströng' }
const errorType = (body: unknown): unknown => (body as Dict).error?.type

/** Every way in. */
export const protocols: readonly Protocol[] = [
  {
    name: 'Claude',
    start: () => startClaude({ reply, chunks: 6 }),
    path: '/v1/messages',
    headers: claudeHeaders,
    body: messagesBody,
    errorOf: errorType,
    overloaded: 'overloaded_error',
    inStream: 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"',
    lastEvent: 'event: message_stop',
  },
  {
    name: 'OpenRouter chat',
    start: () => startOpenRouter({ reply, chunks: 6 }),
    path: '/api/v1/chat/completions',
    headers: bearer,
    body: chatBody,
    errorOf: (body) => (body as Dict).error?.metadata?.error_type,
    overloaded: 'provider_overloaded',
    inStream: '"error":{"code":502,',
    lastEvent: '[DONE]',
  },
  {
    name: 'OpenRouter messages',
    start: () => startOpenRouter({ reply, chunks: 6 }),
    path: '/api/v1/messages',
    headers: bearer,
    body: messagesBody,
    errorOf: errorType,
    overloaded: 'overloaded_error',
    inStream: 'event: error\ndata: {"type":"error","error":{"type":"api_error"',
    lastEvent: 'event: message_stop',
  },
  {
    name: 'Ollama native',
    start: () => startOllama({ reply, chunks: 6 }),
    path: '/api/chat',
    body: { ...chatBody, stream: false },
    errorOf: (body) => (typeof (body as Dict).error === 'string' ? 'overloaded' : undefined),
    overloaded: 'overloaded',
    inStream: '{"error":"',
    lastEvent: '"done":true',
  },
  {
    name: 'Ollama chat',
    start: () => startOllama({ reply, chunks: 6 }),
    path: '/v1/chat/completions',
    body: chatBody,
    errorOf: errorType,
    overloaded: 'api_error',
    inStream: 'data: {"error":{"message"',
    lastEvent: '[DONE]',
  },
  {
    name: 'Ollama messages',
    start: () => startOllama({ reply, chunks: 6 }),
    path: '/v1/messages',
    body: { ...messagesBody, model: 'llama3.2' },
    errorOf: errorType,
    overloaded: 'overloaded_error',
    inStream: 'event: error\ndata: {"type":"error","error":{"type":"api_error"',
    lastEvent: 'event: message_stop',
  },
]

import type { FixedPorts, GatewayAdapter } from './gateway.ts'

/** The models that a gateway configured by hand must route: without a fallback, and with one. */
export const handModels = { alone: 'fault-book', withFallback: 'fault-book-fallback' } as const

export interface AnyGatewayOptions {
  readonly baseUrl: string
  readonly note: string
  /** The first of four ports: Claude and its fallback, OpenAI and its fallback. */
  readonly firstPort: number
}

/** A gateway that somebody has started and configured. Its rows run one after the other. */
export function anyGateway({ baseUrl, note, firstPort }: AnyGatewayOptions): GatewayAdapter {
  const url = baseUrl.replace(/\/$/, '')
  return {
    name: new URL(url).host,
    version: '',
    note,
    isSpillway: false,
    serves: ({ shape }) => shape.at === undefined,
    ports: portsFrom(firstPort),
    lanes: 1,
    start: async () => ({ urlFor: () => url, headersFor: () => ({}), stop: async () => {} }),
  }
}

function portsFrom(port: number): FixedPorts {
  return {
    anthropic: [port, port + 1],
    openai: [port + 2, port + 3],
    responses: [port + 2, port + 3],
  }
}

export type { Transport, TransportHandle, TransportSink } from './transport.ts'

/** Why a request over a channel has no answer. */
export type ChannelErrorCode =
  /** The other process has ended or was disconnected. */
  | 'channel_closed'
  /** Too many requests wait for an answer. */
  | 'channel_full'
  /** No answer came in time. */
  | 'channel_timeout'
  /** The other process does not know the request: it may be of another version. */
  | 'channel_unknown'
  /** The message cannot be serialised. */
  | 'channel_unsendable'

/** A request that the channel has not delivered or got no answer to; errors of who answers keep their own codes. */
export class ChannelError extends Error {
  override readonly name: string = 'ChannelError'
  readonly code: ChannelErrorCode

  constructor(code: ChannelErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** One end of a connection between two processes. What is sent arrives once and in order, until it is closed. */
export interface Port {
  /**
   * Sends a message. `done` is called when it has been handed over, or with what went wrong.
   * @returns false when so much waits to be handed over that the sender should wait for `done`
   * @throws for a message that cannot be serialised
   */
  send(message: unknown, done: (error: Error | null) => void): boolean
  /** Calls back with each message; returns how to stop it. */
  onMessage(listener: (message: unknown) => void): () => void
  /** Calls back once when nothing can be sent or received any more; returns how to stop it. */
  onClose(listener: () => void): () => void
  readonly isOpen: boolean
}

/** What is used of `process` in a worker, and of a `cluster.Worker` or a forked child in the primary. */
export interface IpcPeer {
  send?(message: never, handle: undefined, options: undefined, done: (error: Error | null) => void): boolean
  on(event: 'message', listener: (message: unknown) => void): unknown
  on(event: 'disconnect' | 'exit', listener: () => void): unknown
  off(event: 'message', listener: (message: unknown) => void): unknown
  off(event: 'disconnect' | 'exit', listener: () => void): unknown
}

/**
 * The port to another process: to the primary with `process`, to a worker with its `cluster.Worker`. Both must have been forked with
 * `serialization: 'advanced'`.
 * @param isConnected whether the peer is connected now
 */
export function ipcPort(peer: IpcPeer, isConnected: () => boolean): Port {
  return {
    send(message, done) {
      if (peer.send === undefined) {
        done(new Error('this process has no channel to another one'))
        return false
      }
      return peer.send(message as never, undefined, undefined, done)
    },
    onMessage(listener) {
      peer.on('message', listener)
      return () => peer.off('message', listener)
    },
    onClose(listener) {
      let isTold = false
      const tell = (): void => {
        if (isTold) return
        isTold = true
        listener()
      }
      peer.on('disconnect', tell)
      peer.on('exit', tell)
      return () => {
        isTold = true
        peer.off('disconnect', tell)
        peer.off('exit', tell)
      }
    },
    get isOpen() {
      return isConnected()
    },
  }
}

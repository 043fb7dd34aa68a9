/** What the exit code of `start` says. */
export const exitCodes = {
  /** A signal has ended it. */
  stopped: 0,
  /** It could not start: the configuration or the command line is wrong, or the port is taken. */
  notStarted: 1,
  /** An error that nothing has caught; the calls in flight have been given their time. */
  internalError: 70,
} as const

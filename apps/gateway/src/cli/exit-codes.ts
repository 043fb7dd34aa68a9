/** What exit codes say. */
export const exitCodes = {
  /** A signal has ended it. */
  stopped: 0,
  /** It could not start: the configuration or the command line is wrong, or the port is taken. */
  notStarted: 1,
  /** An error that nothing has caught; the calls in flight have been given their time. */
  internalError: 70,
  /** Ctrl-C at a prompt, as shells say it: 128 and the number of SIGINT. */
  interrupted: 130,
} as const

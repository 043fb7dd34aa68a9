import { type Clock, systemClock } from '@spillway/middleware'

/** The system's clock for what looks around beside the calls: its timers do not keep the process alive. */
export const backgroundClock: Clock = {
  ...systemClock,
  setTimer(ms, callback) {
    const timer = setTimeout(callback, ms).unref()
    return () => clearTimeout(timer)
  },
}

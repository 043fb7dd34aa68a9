import { type Feed, openFeed } from './feed.ts'

/** The one live connection of this page. */
export const feed: Feed = openFeed({
  connect: () => new EventSource('api/live'),
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as number | undefined),
})

import { attempt, createMirror, fetchTransport, target, wrapFetch } from '@spillway/mirror'

/** The same vendor, so the caller's own key is right here too. */
const claude = attempt(fetchTransport(fetch, { callerCredential: true }))

/** Would the smaller model do? */
export const shadow = createMirror({
  to: target('haiku', claude, { model: 'claude-haiku-5-5' }),
  sample: 0.1,
  onComparison({ primary, candidate, textSimilarity }) {
    const kind = candidate.failure?.kind ?? 'ok'
    console.log(
      `${kind}: ${candidate.totalMs} ms instead of ${primary.totalMs}, similarity ${textSimilarity}`,
    )
  },
})
export const mirroredFetch = wrapFetch(fetch, shadow.middleware)

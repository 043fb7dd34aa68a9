import { useEffect, useState } from 'preact/hooks'
import { type ApiProblem, readApi } from './read-api.ts'

/** What is known of an answer of the API. Old data stay while newer ones are asked for or cannot be had. */
export interface Resource<T> {
  readonly data: T | undefined
  readonly problem: ApiProblem | undefined
  readonly loading: boolean
  /** When `data` came, in milliseconds since the epoch. */
  readonly at: number | undefined
  /** Asks again now. */
  reload(): void
}

interface Known<T> {
  readonly path: string | undefined
  readonly data: T | undefined
  readonly at: number | undefined
  readonly problem: ApiProblem | undefined
}

/**
 * Reads `path`, where there is one, at once and then every `every` milliseconds, but not while the page is hidden.
 * @param version another one is a reason to read again
 */
export function useResource<T>(path: string | undefined, every?: number, version?: number): Resource<T> {
  const [known, setKnown] = useState<Known<T>>()
  const [turn, setTurn] = useState(0)

  // Another `turn` is a wish to ask again.
  useEffect(() => {
    if (path === undefined) return
    const leaving = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (): Promise<void> => {
      try {
        const data = await readApi<T>(path, leaving.signal)
        if (!leaving.signal.aborted) setKnown({ path, data, at: Date.now(), problem: undefined })
      } catch (problem) {
        if (leaving.signal.aborted) return
        setKnown((last) => ({ path, data: last?.data, at: last?.at, problem: problem as ApiProblem }))
      }
      if (every !== undefined && !leaving.signal.aborted) timer = setTimeout(askWhenSeen, every)
    }
    const askWhenSeen = (): void => {
      if (!document.hidden) return void ask()
      document.addEventListener('visibilitychange', askWhenSeen, { once: true, signal: leaving.signal })
    }
    void ask()
    return () => {
      leaving.abort()
      clearTimeout(timer)
    }
  }, [path, every, turn, version])

  return {
    data: known?.data,
    at: known?.at,
    problem: known?.problem,
    loading: known?.path !== path,
    reload: () => setTurn((last) => last + 1),
  }
}

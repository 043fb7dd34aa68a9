import type { ComponentChildren, JSX } from 'preact'
import type { ApiProblem } from '../api/read-api.ts'
import type { Resource } from '../api/use-resource.ts'

interface LoadedProps<T> {
  readonly of: Resource<T>
  readonly children: (data: T) => ComponentChildren
}

/** What a resource holds; while there is nothing yet, that it comes; where it cannot be had, why, and a way to retry. */
export function Loaded<T>({ of, children }: LoadedProps<T>): JSX.Element {
  const { data, problem, loading, reload } = of
  return (
    <div class="loaded" aria-busy={loading}>
      {problem !== undefined && <Problem problem={problem} isStale={data !== undefined} retry={reload} />}
      {data === undefined ? problem === undefined && <div class="skeleton" /> : children(data)}
    </div>
  )
}

interface ProblemProps {
  readonly problem: ApiProblem
  readonly isStale: boolean
  readonly retry: () => void
}

function Problem({ problem, isStale, retry }: ProblemProps): JSX.Element {
  return (
    <div class="problem" role="status">
      <p>
        {problem.message} {isStale && 'What you see is the last answer.'}
      </p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  )
}

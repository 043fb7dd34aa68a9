import type { ComponentChildren, JSX } from 'preact'
import type { ApiProblem } from '../api/read-api.ts'
import type { Resource } from '../api/use-resource.ts'
import { clockTime } from '../format/time.ts'

interface LoadedProps<T> {
  readonly of: Resource<T>
  readonly children: (data: T) => ComponentChildren
}

/** What a resource holds; while there is nothing yet, that it comes; where it cannot be had, why, and a way to retry. */
export function Loaded<T>({ of, children }: LoadedProps<T>): JSX.Element {
  const { data, at, problem, loading, reload } = of
  return (
    <div class="loaded" aria-busy={loading}>
      {problem !== undefined && (
        <Problem problem={problem} at={data === undefined ? undefined : at} retry={reload} />
      )}
      {data === undefined ? problem === undefined && <div class="skeleton" /> : children(data)}
    </div>
  )
}

interface ProblemProps {
  readonly problem: ApiProblem
  /** When what is shown came. */
  readonly at: number | undefined
  readonly retry: () => void
}

function Problem({ problem, at, retry }: ProblemProps): JSX.Element {
  return (
    <div class="problem" role="status">
      <p>
        {problem.message} {at !== undefined && `What you see is as of ${clockTime(at, Date.now())}.`}
      </p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  )
}

import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Login, takeCode } from './login.tsx'
import { askWho, session } from './session.ts'

const code = takeCode()

/** The login where there has to be one, else the views: what they need is loaded, and asked for, by those who may see it. */
export function Root(): JSX.Element | null {
  const [App, setApp] = useState<{ readonly view: ComponentType }>()
  const [problem, setProblem] = useState<string>()
  const isIn = session.value !== undefined && session.value.operator !== null
  const ask = (): void => {
    setProblem(undefined)
    askWho().catch((error: Error) => setProblem(error.message))
  }
  useEffect(ask, [])
  useEffect(() => {
    if (isIn)
      import('../app.tsx').then(
        (loaded) => setApp({ view: loaded.App }),
        () => setProblem('The page could not be loaded.'),
      )
  }, [isIn])
  if (problem !== undefined)
    return (
      <main class="login">
        <h1>Spillway</h1>
        <p role="alert">{problem}</p>
        <button type="button" onClick={ask}>
          Try again
        </button>
      </main>
    )
  if (session.value !== undefined && !isIn) return <Login code={code} />
  return App === undefined ? null : <App.view />
}

import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Brand } from '../ui/brand.tsx'
import { ThemeToggle } from '../ui/theme-toggle.tsx'
import { logIn, session } from './session.ts'

/** The code of a link that `spillway dashboard` prints. It never leaves the page but in the body of a login. */
export function takeCode(): string | undefined {
  const [, code] = /^#\/login\?code=([\w.-]+)$/.exec(location.hash) ?? []
  if (code !== undefined) history.replaceState(null, '', '#/')
  return code
}

interface LoginProps {
  /** Of a link: then nothing is asked for. */
  readonly code: string | undefined
}

/** Asks for a key, until there is a session. */
export function Login({ code }: LoginProps): JSX.Element {
  const [isBusy, setIsBusy] = useState(false)
  const [problem, setProblem] = useState<string>()
  const field = useRef<HTMLInputElement>(null)
  const enter = (credential: Parameters<typeof logIn>[0]): void => {
    setIsBusy(true)
    logIn(credential).catch((error: Error) => {
      setProblem(error.message)
      setIsBusy(false)
      field.current?.focus()
    })
  }
  useEffect(() => {
    document.title = 'Log in · Spillway'
    if (code !== undefined) enter({ code })
    else field.current?.focus()
  }, [])
  return (
    <main class="login">
      <header>
        <Brand />
        <ThemeToggle />
      </header>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          enter({ key: field.current?.value ?? '' })
        }}
      >
        <h1>Log in</h1>
        <label>
          <span class="filter-name">Key</span>
          <input
            ref={field}
            type="password"
            name="key"
            autocomplete="current-password"
            spellcheck={false}
            required
            aria-describedby="login-help"
            aria-invalid={problem !== undefined}
          />
        </label>
        {problem !== undefined && (
          <p class="login-problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? 'Logging in…' : 'Log in'}
        </button>
        {session.value?.signIn !== undefined && (
          <a class="sign-in" href={session.value.signIn}>
            Log in with your organisation
          </a>
        )}
        <p id="login-help" class="quiet">
          The key of a client with the permission <code>admin:read</code>. On the gateway’s machine,{' '}
          <code>spillway dashboard</code> opens this page without one.
        </p>
      </form>
    </main>
  )
}

import type { Clients as ClientsAnswer, ClientView } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ApiProblem } from '../../api/read-api.ts'
import { Modal } from '../../ui/modal.tsx'

/** What is set of a client; null lifts a limit. */
export interface ClientSettings {
  readonly team: string | null
  readonly permissions: readonly string[]
  readonly models: readonly string[] | null
  readonly maxTokens: number | null
  readonly expiresAt?: number | null
}

interface ClientFormProps {
  readonly permissions: ClientsAnswer['permissions']
  /** Undefined for a new one. */
  readonly client?: ClientView | undefined
  readonly onClose: () => void
  /** Rejects with what the gateway says. */
  readonly onSave: (name: string, settings: ClientSettings) => Promise<void>
}

const day = 24 * 3_600_000
const usualPermissions = ['chat', 'tools']

/** Lengths of life that a client can get; `keep` is for one that has an end already. */
const lives = [
  ['never', 'Never', null],
  ['7d', 'In 7 days', 7 * day],
  ['30d', 'In 30 days', 30 * day],
  ['90d', 'In 90 days', 90 * day],
  ['1y', 'In a year', 365 * day],
] as const

/** Adds a client, or changes one. */
export function ClientForm({ permissions, client, onClose, onSave }: ClientFormProps): JSX.Element {
  const [problem, setProblem] = useState<string>()
  const [isBusy, setIsBusy] = useState(false)
  const given = client?.permissions ?? usualPermissions
  const sets = permissions.filter(({ isSet }) => isSet)
  const parts = permissions.filter(({ isSet }) => !isSet)
  const save = (form: FormData): void => {
    setIsBusy(true)
    onSave(client?.name ?? text(form, 'name'), settingsOf(form)).catch((error: ApiProblem) => {
      setProblem(error.message)
      setIsBusy(false)
    })
  }
  return (
    <Modal title={client === undefined ? 'Add a client' : `Change ${client.name}`} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          save(new FormData(event.currentTarget))
        }}
      >
        {client === undefined && (
          <Field label="Name" hint="Its calls are recorded, limited and logged under this name.">
            <input
              name="name"
              required
              maxLength={64}
              pattern="[A-Za-z0-9][A-Za-z0-9._\-]*"
              autocomplete="off"
            />
          </Field>
        )}
        <Field label="Team">
          <input name="team" maxLength={64} value={client?.team ?? ''} autocomplete="off" />
        </Field>
        <fieldset>
          <legend class="filter-name">Permissions</legend>
          {sets.map((each) => (
            <Choice key={each.name} of={each} given={given} />
          ))}
          <details open={parts.some(({ name }) => given.includes(name))}>
            <summary>One by one</summary>
            {parts.map((each) => (
              <Choice key={each.name} of={each} given={given} />
            ))}
          </details>
        </fieldset>
        <Field label="Models" hint="Such as claude-haiku-*, separated by commas; all if empty.">
          <input name="models" value={client?.models?.join(', ') ?? ''} autocomplete="off" />
        </Field>
        <Field label="Largest max_tokens" hint="No limit if empty.">
          <input name="maxTokens" inputMode="numeric" pattern="[0-9]*" value={client?.maxTokens ?? ''} />
        </Field>
        <Field label="Expires">
          <select name="expires">
            {client?.expiresAt && <option value="keep">As it is</option>}
            {lives.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </Field>
        {problem !== undefined && (
          <p class="login-problem" role="alert">
            {problem}
          </p>
        )}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={isBusy}>
            {client === undefined ? 'Add' : 'Save'}
          </button>
        </footer>
      </form>
    </Modal>
  )
}

interface ChoiceProps {
  readonly of: ClientsAnswer['permissions'][number]
  readonly given: readonly string[]
}

function Choice({ of: { name, allows, mayGrant }, given }: ChoiceProps): JSX.Element {
  return (
    <label class="choice">
      <input
        type="checkbox"
        name="permissions"
        value={name}
        defaultChecked={given.includes(name)}
        disabled={!mayGrant && !given.includes(name)}
      />
      <span>
        <b>{name}</b> <span class="quiet">{allows}</span>
      </span>
    </label>
  )
}

interface FieldProps {
  readonly label: string
  readonly hint?: string
  readonly children: JSX.Element
}

export function Field({ label, hint, children }: FieldProps): JSX.Element {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: its children are the control.
    <label class="field">
      <span class="filter-name">{label}</span>
      {children}
      {hint !== undefined && <span class="hint">{hint}</span>}
    </label>
  )
}

const text = (form: FormData, name: string): string => String(form.get(name) ?? '').trim()

function settingsOf(form: FormData): ClientSettings {
  const models = text(form, 'models')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
  const life = lives.find(([value]) => value === form.get('expires'))
  return {
    team: text(form, 'team') || null,
    permissions: form.getAll('permissions').map(String),
    models: models.length === 0 ? null : models,
    maxTokens: text(form, 'maxTokens') === '' ? null : Number(text(form, 'maxTokens')),
    ...(life && { expiresAt: life[2] === null ? null : Date.now() + life[2] }),
  }
}

import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { place, setSearch } from '../place.ts'

interface FilterProps {
  /** The name of the parameter in the address of the view. */
  readonly name: string
  readonly label: string
  readonly placeholder?: string | undefined
  readonly isSearch?: boolean | undefined
}

/** How long typing rests before the search begins, in milliseconds. */
const rest = 300

/** A text to search for, kept in the address of the view. */
export function Filter({ name, label, placeholder, isSearch = false }: FilterProps): JSX.Element {
  const current = place.value.search[name] ?? ''
  const [text, setText] = useState(current)
  useEffect(() => setText(current), [current])
  useEffect(() => {
    if (text === current) return
    const timer = setTimeout(() => setSearch(name, text.trim()), rest)
    return () => clearTimeout(timer)
  }, [text, current, name])
  return (
    <label class="filter">
      <span class="filter-name">{label}</span>
      <input
        type={isSearch ? 'search' : 'text'}
        list={undefined}
        value={text}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
    </label>
  )
}

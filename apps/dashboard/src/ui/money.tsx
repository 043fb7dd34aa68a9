import type { JSX } from 'preact'
import { exactMoney, money, type NanoText } from '../format/money.ts'

interface MoneyProps {
  readonly nano: NanoText
  /** Whether it rests on estimated tokens. */
  readonly estimated?: boolean | undefined
}

/** An amount; exact for the pointer. An estimate is marked as one. */
export function Money({ nano, estimated = false }: MoneyProps): JSX.Element {
  if (nano === null) return <Unpriced />
  return (
    <span title={`${exactMoney(nano)}${estimated ? ', from estimated tokens' : ''}`}>
      {estimated && <abbr title="estimated">~</abbr>}
      {money(nano)}
    </span>
  )
}

function Unpriced(): JSX.Element {
  return (
    <span class="quiet" title="The model is unpriced">
      unpriced
    </span>
  )
}

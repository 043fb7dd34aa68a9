import { expect, it } from 'vitest'
import type { StoredLimit } from '../clients/client-document.ts'
import { rulesOf } from './stored-rules.ts'

const usd = (amount: number | null, period: StoredLimit['period'] = 'month'): StoredLimit => ({
  ...{ unit: 'usd', period, amount, hard: true },
})

const document = {
  teams: {
    search: { limits: [usd(500)], eachMember: [usd(20)] },
    ops: { limits: [usd(900, 'day')] },
  },
  eachClient: [usd(10), usd(3, 'day')],
}

/** Whose each rule is, by the day or the month, and how much. */
const said = (name: string, client: { team?: string; limits?: StoredLimit[] } = {}) =>
  rulesOf(document)(name, client).budgets?.map(({ scope, period, amount }) => {
    const owner = scope.type === 'all' ? 'all' : `${scope.type} ${scope.name}`
    return `${owner}: ${amount} a ${period}`
  })

it('a client without limits has those of each client', () => {
  expect(said('alice')).toEqual(['client alice: 10 a month', 'client alice: 3 a day'])
})

it('what its team says for each member goes before them, by unit and period, and its team has its own beside it', () => {
  expect(said('alice', { team: 'search' })).toEqual([
    'client alice: 20 a month',
    'client alice: 3 a day',
    'team search: 500 a month',
  ])
  expect(said('alice', { team: 'ops' })).toEqual([
    'client alice: 10 a month',
    'client alice: 3 a day',
    'team ops: 900 a day',
  ])
})

it('its own limit goes before all others, also where it is none', () => {
  expect(said('alice', { team: 'search', limits: [usd(1)] })).toContain('client alice: 1 a month')
  expect(said('alice', { team: 'search', limits: [usd(null)] })).toEqual([
    'client alice: 3 a day',
    'team search: 500 a month',
  ])
})

it('where nothing is set there is nothing to keep', () => {
  expect(rulesOf({})('alice', { team: 'constructor' })).toEqual({ budgets: undefined, exempt: undefined })
  expect(rulesOf({})('alice', { limits: [usd(null)] }).exempt).toEqual(['usd month'])
})

import type { IncomingMessage, ServerResponse } from 'node:http'
import { periodAt } from '@spillway/budgets'
import { readAudit } from '../api/audit-view.ts'
import { tenantNames } from '../api/tenant-names.ts'
import type { RunningBudgets } from '../budgets/running-budgets.ts'
import type { Client } from '../clients/client-directory.ts'
import type { ClientStore } from '../clients/client-store.ts'
import type { Config } from '../config/config.ts'
import type { Books } from '../ledger/books.ts'
import { isOfSpendLimits } from './answer-spend-limits.ts'
import { openSpendLimits } from './spend-limits.ts'

/** What clients ask of their own budgets, and administrators of all: by the paths of Anthropic's API. */
export interface Account {
  isAt(path: string): boolean
  /** @param path without the query, one that it {@link isAt} */
  answer(req: IncomingMessage, res: ServerResponse, path: string, client: Client): Promise<void>
}

export interface AccountOptions {
  readonly store: Pick<ClientStore, 'load' | 'update'>
  /** Takes changed clients up at once. */
  readonly refresh: () => Promise<void>
  readonly budgets: Pick<RunningBudgets, 'engine' | 'begin'>
  readonly books: Pick<Books, 'store' | 'audit'>
  readonly config: () => Config
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
}

/** Where Claude Code asks what is left. */
export const usagePath = '/api/oauth/usage'

const mostSpenders = 1_000

export function openAccount(options: AccountOptions): Account {
  const { store, refresh, budgets, books, config, now } = options
  const names = tenantNames(config)
  const configured = () => config().budgets?.eachClient
  const { engine } = budgets
  const limits = openSpendLimits({
    ...{ store, refresh, budgets: engine, ledger: books.store, configured, now },
    hasPeople: () => config().server.oidc !== undefined,
  })
  const api = {
    limits,
    audit:
      books.audit &&
      ((limit: number, before: number | undefined) =>
        readAudit(books.store.audit, { limit, before, query: '"action":"spend_limit.' }, names)),
    note: (actor: string, action: string, details: Readonly<Record<string, unknown>>) =>
      void books.audit?.record({ actor, action, details }),
  }

  /** Of this month, where no budget counts it. */
  const spentBy = async (name: string): Promise<number> => {
    const { start } = periodAt('month', now())
    const { rows } = await books.store.largestTotals('tenant', { from: start, to: now() + 1 }, mostSpenders)
    return Number(rows.find(({ key }) => key === name)?.costNano ?? 0)
  }

  return {
    isAt: (path) => path === usagePath || isOfSpendLimits(path),
    async answer(req, res, path, client) {
      if (path !== usagePath) {
        const { answerSpendLimits } = await import('./answer-spend-limits.ts')
        return answerSpendLimits(req, res, path, { ...api, client })
      }
      const { oauthUsage } = await import('./oauth-usage.ts')
      const rules = budgets.begin(client, client.name)?.rules ?? []
      const statuses = await engine.usage(rules)
      const isCapped = rules.some(({ unit }) => unit === 'usd')
      const body = Buffer.from(
        JSON.stringify(oauthUsage(statuses, isCapped ? 0 : await spentBy(client.name))),
      )
      req.resume()
      res.writeHead(200, {
        ...{ 'content-type': 'application/json', 'content-length': body.length },
        'cache-control': 'no-store',
      })
      res.end(body)
    },
  }
}

import type { z } from 'zod'
import { callContent, callStory, calls } from './calls.ts'
import { clients } from './clients.ts'
import type { QueryName } from './parameters.ts'
import { alerts, audit, budgets, changes, keys, mirrors, targets } from './state.ts'
import { facets, fallbacks, matches, sessions, splitSeries, summary, usageAnswer } from './sums.ts'

/** A path below `/api` that answers GET. */
export interface Question {
  readonly summary: string
  readonly query: QueryName
  readonly answer: z.ZodType
  /** Whether it answers this machine alone, where no login is configured. */
  readonly isLocal?: boolean
  /** The permission that it needs where operators have to log in. @default admin:read */
  readonly needs?: 'admin:content'
}

/** All questions by their paths; `{id}` is a part that varies. */
export const questions = {
  '/api/summary': { summary: 'Calls, costs and latencies of a range', query: 'summary', answer: summary },
  '/api/usage': {
    summary: 'Tokens and costs of the groups that cost most, and of all others',
    query: 'usage',
    answer: usageAnswer,
  },
  '/api/series': {
    summary: 'Calls, costs and latencies over time, by target, model or tenant',
    query: 'series',
    answer: splitSeries,
  },
  '/api/fallbacks': {
    summary: 'Fallbacks by target and reason',
    query: 'fallbacks',
    answer: fallbacks,
  },
  '/api/facets': {
    summary: 'Number of calls by target, model, tenant, failure, status and reason of a fallback',
    query: 'facets',
    answer: facets,
  },
  '/api/matches': {
    summary: 'Number of matching calls over time',
    query: 'facets',
    answer: matches,
  },
  '/api/sessions': { summary: 'Conversations, in whole hours', query: 'sessions', answer: sessions },
  '/api/calls': { summary: 'Single calls, newest first', query: 'calls', answer: calls },
  '/api/calls/{id}': { summary: 'Everything about one call', query: 'nothing', answer: callStory },
  '/api/calls/{id}/content': {
    summary:
      'What one of the latest calls asked and was answered, where `telemetry.captureContent` is on; without a login it answers this machine alone',
    query: 'nothing',
    answer: callContent,
    isLocal: true,
    needs: 'admin:content',
  },
  '/api/clients': { summary: 'Clients, without their keys', query: 'nothing', answer: clients },
  '/api/targets': {
    summary: 'Targets, circuits and limits as they are now',
    query: 'nothing',
    answer: targets,
  },
  '/api/alerts': { summary: 'Active alerts', query: 'nothing', answer: alerts },
  '/api/budgets': {
    summary: 'Budgets of everyone, of teams and of clients in their current periods',
    query: 'budgets',
    answer: budgets,
  },
  '/api/changes': {
    summary: 'State changes of circuits, limits and endpoints, newest first',
    query: 'changes',
    answer: changes,
  },
  '/api/mirror': { summary: 'Comparisons of mirrored calls', query: 'mirror', answer: mirrors },
  '/api/keys': { summary: 'Keys in the vault, never a value', query: 'nothing', answer: keys },
  '/api/audit': { summary: 'The audit log, newest first', query: 'audit', answer: audit },
} as const satisfies Readonly<Record<string, Question>>

export type QuestionPath = keyof typeof questions

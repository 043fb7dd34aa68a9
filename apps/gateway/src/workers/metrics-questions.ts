import type { ScopeMetrics } from '@opentelemetry/sdk-metrics'
import { type Question, question } from './channel.ts'

/** To a worker: what have you counted? */
export const collectMetrics: Question<undefined, readonly ScopeMetrics[]> = question('metrics.collect')
/** To the primary: what does `/metrics` say? */
export const scrapeAll: Question<undefined, string> = question('metrics.scrape')

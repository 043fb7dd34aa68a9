import { availableParallelism } from 'node:os'
import type { Config } from '../config/config.ts'

/** How many processes serve; 1 without a primary. */
export function workerCount({ server: { workers = 1 } }: Config): number {
  return workers === 'auto' ? availableParallelism() : workers
}

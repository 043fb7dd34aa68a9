/** The part of bottleneck that has neither a clock nor timers: lists by priority, first in, first out. */
declare module 'bottleneck/lib/Queues.js' {
  export interface Entry<Job> {
    readonly value: Job
    readonly next: Entry<Job> | null
  }

  export interface List<Job> {
    readonly length: number
    readonly _first: Entry<Job> | null
    first(): Job | undefined
    shift(): Job | undefined
  }

  export default class Queues<Job extends { readonly options: { readonly priority: number } }> {
    constructor(priorities: number)
    readonly _lists: readonly List<Job>[]
    /** @param job its priority must be a whole number below `priorities` */
    push(job: Job): void
  }
}

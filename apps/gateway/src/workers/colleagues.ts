import { type Channel, type Question, question } from './channel.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A question to one worker, which others put to all. */
interface PutToAll {
  readonly name: string
  readonly argument: unknown
}

const putToAll: Question<PutToAll, readonly unknown[]> = question('workers.ask')

/** How long the others may take, in milliseconds. Who does not answer is left out. */
const answersWithin = 1_000

/** The other workers of a gateway, as one of them reaches them. */
export interface Colleagues {
  /** Answers a question of theirs. */
  answer<Argument, Answer>(
    asked: Question<Argument, Answer>,
    handler: (argument: Argument) => Answer | Promise<Answer>,
  ): void
  /** What each of the others answers in time; nothing where the primary is gone. Never rejects. */
  ask<Argument, Answer>(asked: Question<Argument, Answer>, argument: Argument): Promise<readonly Answer[]>
}

export function colleaguesBy(channel: Channel): Colleagues {
  return {
    answer: (asked, handler) => void channel.answer(asked, handler),
    ask: <Argument, Answer>({ name }: Question<Argument, Answer>, argument: Argument) =>
      channel.ask(putToAll, { name, argument }, { deadline: 2 * answersWithin }).catch(() => []) as Promise<
        readonly Answer[]
      >,
  }
}

/** Lets a worker ask the others. */
export function introduce(worker: WorkerProcess, serving: () => readonly WorkerProcess[]): void {
  worker.channel.answer(putToAll, async ({ name, argument }) => {
    const others = serving().filter((each) => each !== worker)
    const asked = others.map(({ channel }) =>
      channel.ask(question<unknown, unknown>(name), argument, { deadline: answersWithin }),
    )
    const answers = await Promise.allSettled(asked)
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  })
}

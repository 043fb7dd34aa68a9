import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Figure, figure } from './check-books.ts'

const program = fileURLToPath(new URL('./gateway-process.ts', import.meta.url))

/** What the gateway and the program say of the one row that the database has refused. */
export async function checkRefused(
  url: string,
  { journal, model, execArgv }: { journal: string; model: string; execArgv: readonly string[] },
): Promise<Figure[]> {
  const ready = (await (await fetch(`${url}/readyz`)).json()) as { ledger: string; rejected?: number }
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const metric = (name: string): number =>
    Number(new RegExp(`^spillway_${name}(?:\\{.*\\})? (\\S+)`, 'm').exec(metrics)?.[1] ?? -1)
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...execArgv, program, 'ledger', 'rejected', '--journal', journal, '--json'],
    { maxBuffer: 2 ** 24 },
  )
  const rows = stdout.trim().split('\n').filter(Boolean)
  const found = rows.map((line) => JSON.parse(line).entry).filter(({ row }) => row?.model_asked === model)
  return [
    figure('rows refused, in /readyz', ready.rejected ?? 0, 1),
    figure('rows refused, in /metrics', metric('ledger_rejected'), 1),
    figure('rows lost, in /metrics', metric('ledger_lost'), 0),
    figure('whether the database counts as away, in /metrics', metric('ledger_away'), 0),
    figure('rows that "spillway ledger rejected" shows', rows.length, 1),
    figure('and that are the refused one', found.length, 1),
  ]
}

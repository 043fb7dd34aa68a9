/** Run as a child of `calls.ts`: measures the calls that its settings name, and sends the results. */
import { type CallsSettings, clientVariants } from './client-variants.ts'
import { measure } from './measure.ts'

const settings = JSON.parse(process.argv[2] ?? '') as CallsSettings & { readonly rounds: number }
const { url, stream, names, rounds } = settings
const { variants, close } = await clientVariants(url, stream)
const results = await measure(
  variants.filter(({ name }) => names.includes(name)),
  {
    rounds,
    calls: stream ? 100 : 1_000,
    collect: 'young',
    warmUp: stream ? 1_000 : 25_000,
    concurrency: 8,
    onRound: (round) => process.send?.({ round }),
  },
)
await close()
process.send?.({ results })
process.disconnect()

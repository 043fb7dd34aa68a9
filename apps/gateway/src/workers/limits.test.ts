import { limitStoreCases } from '@spillway/testing'
import { describe, it } from 'vitest'
import { portPair } from '../../test/port-pair.ts'
import { openChannel } from './channel.ts'
import { limitsHost } from './limits-host.ts'
import { openLink } from './primary-link.ts'
import { remoteLimits } from './remote-limits.ts'

describe('limits in the primary', () => {
  let keys = 0
  const cases = limitStoreCases((limits, clock) => {
    const [here, there] = portPair()
    limitsHost(clock).serve(openChannel(there, { clock }))
    // The clock of a case jumps while the primary answers in its own time: no timeout.
    const link = openLink(openChannel(here, { clock }), { clock, timeout: 1e9 })
    return remoteLimits(link, { processes: 2, clock }).open(`key ${keys++}`, limits)
  })
  for (const { name, run } of cases) it(name, run)
})

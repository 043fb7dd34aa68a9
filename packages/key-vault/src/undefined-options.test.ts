import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { memoryDriver } from '../test/memory-driver.ts'
import { openVault, type VaultOptions, vaultDefaults } from './vault.ts'

it.each([...Object.keys(vaultDefaults), 'onEvent'])(
  'vault.%s that is undefined means its default',
  async (name) => {
    const secret = async (options: Partial<VaultOptions>): Promise<unknown> => {
      const clock = virtualClock()
      const driver = memoryDriver({ claude: 'sk-1' })
      const vault = openVault({ driver, environment: 'test', clock, ...options })
      const token = await vault.credential('claude').token(clock)
      await clock.advance(200_000)
      const info = await vault.list()
      await vault.close()
      return [token.value, info.length]
    }
    expect(await secret({ [name]: undefined })).toEqual(await secret({}))
  },
)

it('a listener of the vault that throws touches nothing', async () => {
  const clock = virtualClock()
  const onEvent = (): never => {
    throw new Error('broken')
  }
  const vault = openVault({
    driver: memoryDriver({ claude: 'sk-1' }),
    environment: 'test',
    clock,
    onEvent,
  })
  expect((await vault.credential('claude').token(clock)).value).toBe('sk-1')
  await vault.close()
})

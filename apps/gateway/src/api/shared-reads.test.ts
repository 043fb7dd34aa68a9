import { expect, it } from 'vitest'
import { sharedReads, TooManyReads } from './shared-reads.ts'

it('equal questions share the read after the running one, and too many different ones are refused', async () => {
  const read = sharedReads(2)
  const ends: (() => void)[] = []
  const slow = (): Promise<number> =>
    new Promise((resolve) => {
      const number = ends.length
      ends.push(() => resolve(number))
    })
  const asked = [read('a', slow), read('a', slow), read('a', slow), read('b', slow)]
  await expect(read('c', slow)).rejects.toThrow(TooManyReads)
  expect(ends).toHaveLength(2)
  ends[0]?.()
  await expect.poll(() => ends.length).toBe(3)
  for (const end of ends) end()
  expect(await Promise.all(asked)).toEqual([0, 2, 2, 1])
  expect(await read('c', async () => 'served again')).toBe('served again')
})

import { expect, it, vi } from 'vitest'
import { emitWarning } from './emit-warning.ts'

it('a process that makes exceptions of warnings goes on', () => {
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => {
    throw new Error('a warning')
  })
  expect(() => emitWarning('text', 'SPILLWAY_TEST')).not.toThrow()
  expect(emit).toHaveBeenCalledWith('text', { code: 'SPILLWAY_TEST' })
  emit.mockRestore()
})

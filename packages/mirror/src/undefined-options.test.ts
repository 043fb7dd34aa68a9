import { expect, it } from 'vitest'
import { type MirrorOptions, mirrorDefaults, mirrorSettings } from './mirror-options.ts'

const to = { name: 'candidate', handler: () => Promise.reject(new Error('not asked')) }

it.each([...Object.keys(mirrorDefaults), 'onComparison'])(
  'mirror.%s that is undefined means its default',
  (name) => {
    expect(mirrorSettings({ to, [name]: undefined } as MirrorOptions)).toEqual(mirrorSettings({ to }))
  },
)

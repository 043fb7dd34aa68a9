import { createClient, refreshingToken } from '@spillway/core-client'

export const client = createClient({
  provider: 'anthropic',
  scheme: 'oauth',
  credential: refreshingToken({
    refresh: async () => {
      const response = await fetch('https://auth.example.com/token', { method: 'POST' })
      const { token, expiresIn } = (await response.json()) as { token: string; expiresIn: number }
      return { value: token, expiresAt: Date.now() + expiresIn * 1000 }
    },
  }),
})

import { expect, it } from 'vitest'
import { needs } from './client-rules.ts'
import { permissionsOf } from './permissions.ts'

const client = (name: string, ...given: string[]) => ({
  ...{ name, given, team: undefined, models: undefined, mayUse: undefined, maxTokens: undefined },
  permissions: permissionsOf(given),
})

it('what is missing is said with how it is given: to a client with a key, and to who has signed in', () => {
  const chat = client('web', 'chat', 'of-a-newer-version')
  expect(needs(chat, 'images', 'images')).toBeUndefined()
  expect(needs(chat, 'tools:web', 'calls with web search')?.message).toBe(
    'web lacks the permission tools:web, which calls with web search need; "spillway clients set web --permissions chat,tools:web" gives it (tools has it, too)',
  )
  for (const name of ['ada@example.com', 'oidc:ci'])
    expect(needs(client(name, 'chat'), 'files', 'files')?.message).toBe(
      `${name} lacks the permission files, which files need; server.oidc of the gateway gives it, to a group or a person`,
    )
})

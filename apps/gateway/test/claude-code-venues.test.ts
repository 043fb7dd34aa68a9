import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startBedrock, startVertex } from '@spillway/testing'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { claudeCodeSettings } from '../src/cli/client-lines.ts'
import type { VenueMode } from '../src/cli/venue-settings.ts'
import { type AnsweredCall, parseConfig } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, ownKey, temporaryFolder } from './gateway.ts'
import { type ChatRequest, claudeCode, hasResult, steps } from './run-claude-code.ts'

// Runs the real Claude Code, which is not a dependency.

const { isHere, ask } = await claudeCode()

const modes: readonly (VenueMode | undefined)[] = [undefined, 'bedrock', 'mantle', 'vertex', 'foundry']

it.skipIf(!isHere)(
  'Claude Code edits a file in each of its modes while its first venue is dead',
  { timeout: 180_000 },
  async () => {
    const dead = await startBedrock()
    const { url } = dead
    await dead.close()
    const vertex = forThisTest(
      await startVertex({
        tokens: [ownKey.value],
        // Longer than the gateway keeps quiet: it keeps each stream alive in its client's form.
        latencyMs: 300,
        separateWrites: true,
        reply: ({ json }) => {
          const { messages, tools } = json as ChatRequest
          if (tools === undefined || tools.length === 0) return { text: 'A greeting' }
          const file = /in (\/[^ ]+greeting\.txt)/.exec(JSON.stringify(messages))?.[1] ?? ''
          const step = steps(file)[messages.filter(hasResult).length]
          return { thinking: 'One step more.', ...(step ?? { text: 'There is nothing left to do.' }) }
        },
      }),
    )
    const calls: AnsweredCall[] = []
    const config = {
      ...configOf({
        api: 'anthropic',
        endpoints: [
          { name: 'bedrock', api: 'bedrock', region: 'us-east-1', url, credential: ownKey.reference },
          {
            ...{ name: 'vertex', api: 'vertex', project: 'p', region: 'global', url: vertex.url },
            credential: ownKey.reference,
          },
        ],
      }),
      routes: [{ models: 'claude-*', target: 'claude' }],
      retry: { attempts: 3, baseDelay: '0ms' },
      server: { keepAliveAfter: '100ms' },
    }
    const gateway = await gatewayOf(config, calls)
    const inMode = async (mode: VenueMode | undefined): Promise<unknown> => {
      const home = realpathSync(temporaryFolder())
      const file = join(home, 'greeting.txt')
      writeFileSync(file, 'Hello, dam.\nHow are you?\n')
      const settings = claudeCodeSettings(parseConfig(stringify(config), 'test').config, gateway.url, mode)
      const printed = await ask(gateway.url, {
        prompt: `Greet the spillway instead of the dam, in ${file} please.`,
        home,
        flags: ['--permission-mode', 'acceptEdits'],
        variables: Object.fromEntries(settings.map(({ name, value = '' }) => [name, value])),
      })
      return { mode, result: printed.result, file: readFileSync(file, 'utf8') }
    }
    const done = await Promise.all(modes.map(inMode))
    const file = 'Hello, spillway.\nHow are you?\n'
    expect(done).toEqual(modes.map((mode) => ({ mode, result: 'The spillway is greeted now.', file })))
    for (const { response } of calls)
      expect([response.failure, response.target]).toEqual([undefined, 'claude'])
    expect(calls.map(({ path }) => path.replace(/claude-[\w-]+/, 'CLAUDE'))).toEqual(
      expect.arrayContaining([
        '/v1/messages',
        '/model/us.anthropic.CLAUDE/invoke-with-response-stream',
        '/anthropic/v1/messages',
        '/v1/projects/spillway/locations/global/publishers/anthropic/models/CLAUDE:streamRawPredict',
      ]),
    )
  },
)

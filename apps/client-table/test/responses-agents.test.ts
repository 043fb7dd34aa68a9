import { createOpenAI } from '@ai-sdk/openai'
import { Agent, tool as agentTool, OpenAIProvider, Runner } from '@openai/agents'
import { type Reply, startClaude } from '@spillway/testing'
import { generateText, Output, stepCountIs, streamText, tool } from 'ai'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { configOf, forThisTest, gatewayOf, targetAt } from '../../gateway/test/gateway.ts'

// What speaks the Responses API unasked, at Claude behind the gateway: a tool, its result, an answer.

const model = 'claude-sonnet-5'

/** Looks first where it can, then answers; a schema is answered by its JSON. Fails where its thinking does not come home. */
async function claudeBehind(): Promise<string> {
  const reply = ({ json }: { readonly json: unknown }): Reply => {
    const { messages, tools, output_config } = json as Record<string, unknown>
    if ((output_config as { format?: unknown } | undefined)?.format !== undefined)
      return { text: '{"level":7}' }
    const isFirst = !(messages as { role: string }[]).some(({ role }) => role === 'assistant')
    if (tools === undefined || !isFirst) return { text: 'Seven metres.' }
    return { thinking: 'I look.', toolUse: [{ name: 'gauge', input: { gate: 3 } }] }
  }
  const claude = forThisTest(
    await startClaude({ reply, separateWrites: true, checkRules: true, checkThinking: true }),
  )
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
  return `${gateway.url}/v1`
}

describe('the default model of @ai-sdk/openai', () => {
  const parameters = z.object({ gate: z.number() })
  const gauge = tool({
    description: 'Reads a gauge.',
    inputSchema: parameters,
    execute: ({ gate }) => `${gate + 4} m`,
  })
  const asking = async () => {
    const openai = createOpenAI({ baseURL: await claudeBehind(), apiKey: 'k' })
    const providerOptions = { openai: { store: false, reasoningEffort: 'high', forceReasoning: true } }
    return { model: openai(model), maxRetries: 0, providerOptions } as const
  }

  it('goes through the steps of a tool, whole and streamed', async () => {
    const call = {
      ...(await asking()),
      prompt: 'How high is it?',
      tools: { gauge },
      stopWhen: stepCountIs(3),
    }
    const whole = await generateText(call)
    const streamed = streamText(call)
    for (const [text, steps] of [
      [whole.text, whole.steps],
      [await streamed.text, await streamed.steps],
    ] as const) {
      expect(text).toBe('Seven metres.')
      expect(steps).toHaveLength(2)
      expect(steps[0]?.toolResults[0]).toMatchObject({ toolName: 'gauge', input: { gate: 3 }, output: '7 m' })
    }
  })

  it('gets an object by its schema', async () => {
    const output = Output.object({ schema: z.object({ level: z.number() }) })
    const { output: object } = await generateText({ ...(await asking()), prompt: 'How high is it?', output })
    expect(object).toEqual({ level: 7 })
  })
})

describe('the Agents SDK', () => {
  it.each(['whole', 'streamed'] as const)('runs an agent with a tool, %s', async (how) => {
    const openAIClient = new OpenAI({ baseURL: await claudeBehind(), apiKey: 'k', maxRetries: 0 })
    const runner = new Runner({
      modelProvider: new OpenAIProvider({ openAIClient }),
      tracingDisabled: true,
    })
    const read: number[] = []
    const gauge = agentTool({
      name: 'gauge',
      description: 'Reads a gauge.',
      parameters: z.object({ gate: z.number() }),
      execute: ({ gate }) => {
        read.push(gate)
        return '7 m'
      },
    })
    const agent = new Agent({
      name: 'Watcher',
      instructions: 'You watch the water.',
      model,
      modelSettings: { store: false, reasoning: { effort: 'high' } },
      tools: [gauge],
    })
    if (how === 'whole') {
      const { finalOutput } = await runner.run(agent, 'How high is it?')
      expect(finalOutput).toBe('Seven metres.')
    } else {
      const result = await runner.run(agent, 'How high is it?', { stream: true })
      await result.completed
      expect(result.finalOutput).toBe('Seven metres.')
    }
    expect(read).toEqual([3])
  })
})

import { createAnthropic } from '@ai-sdk/anthropic'
import { aiSdkOptions, createClient } from '@spillway/core-client'

const client = createClient({ provider: 'anthropic', credential: process.env.ANTHROPIC_API_KEY ?? '' })
export const anthropic = createAnthropic({ ...aiSdkOptions(client) }) // pass `maxRetries: 0` with each call

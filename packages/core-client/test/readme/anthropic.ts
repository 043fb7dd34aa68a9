import Anthropic from '@anthropic-ai/sdk'
import { anthropicOptions, createClient } from '@spillway/core-client'

const client = createClient({ provider: 'anthropic', credential: process.env.ANTHROPIC_API_KEY ?? '' })
export const anthropic = new Anthropic({ ...anthropicOptions(client) })

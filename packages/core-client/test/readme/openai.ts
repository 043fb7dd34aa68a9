import { createClient, openaiOptions } from '@spillway/core-client'
import OpenAI from 'openai'

const client = createClient({ provider: 'openrouter', credential: process.env.OPENROUTER_API_KEY ?? '' })
export const openai = new OpenAI({ ...openaiOptions(client) })

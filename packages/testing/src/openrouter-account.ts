import { type Call, fieldsOf, modelOf } from './answer.ts'
import { finishReason } from './openai-chat.ts'
import { generationId } from './openrouter-error.ts'
import type { FullReply } from './reply.ts'

/** USD a token; the same for every model. */
const price = { prompt: 0.000002, completion: 0.00001 }

/** How many generations are remembered. */
const memory = 1000

/** What a reply costs, in credits. */
export function costOf({ usage }: FullReply): number {
  if (usage.cost !== undefined) return usage.cost
  const prompt = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
  return Number((prompt * price.prompt + usage.outputTokens * price.completion).toFixed(8))
}

/** What OpenRouter remembers of an account: its generations and what they cost. */
export class Account {
  readonly #generations = new Map<string, { call: Call; reply: FullReply; at: number }>()
  #used = 0

  /** Books a generation. `remember` makes it visible to {@link generation}. */
  book(call: Call, reply: FullReply, remember: boolean): void {
    this.#used += costOf(reply)
    if (!remember) return
    this.#generations.set(generationId(call), { call, reply, at: Date.now() })
    if (this.#generations.size > memory) this.#generations.delete([...this.#generations.keys()][0] ?? '')
  }

  /** The record of a generation; undefined when there is none of that id. */
  generation(id: string): object | undefined {
    const known = this.#generations.get(id)
    if (known === undefined) return undefined
    const { call, reply, at } = known
    const { request } = call
    const { usage } = reply
    const prompt = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
    const cost = costOf(reply)
    return {
      ...noFacts,
      id,
      model: modelOf(call),
      created_at: new Date(at).toISOString(),
      provider_name: 'Anthropic',
      http_referer: request.headers['http-referer'] ?? null,
      user_agent: request.headers['user-agent'] ?? null,
      session_id: fieldsOf(request.json).session_id ?? null,
      streamed: fieldsOf(request.json).stream === true,
      cancelled: request.closedAt !== undefined,
      finish_reason: finishReason(reply),
      native_finish_reason: reply.stopReason,
      tokens_prompt: prompt,
      tokens_completion: usage.outputTokens,
      native_tokens_prompt: prompt,
      native_tokens_completion: usage.outputTokens,
      native_tokens_cached: usage.cacheReadTokens,
      native_tokens_reasoning: usage.reasoningTokens,
      generation_time: Math.round((request.finishedAt ?? performance.now()) - request.receivedAt),
      latency: 0,
      total_cost: cost,
      usage: cost,
    }
  }

  /** What `GET /key` says. */
  key(): object {
    const used = Number(this.#used.toFixed(8))
    return {
      label: 'sk-or-v1-sim...key',
      limit: null,
      limit_remaining: null,
      limit_reset: null,
      include_byok_in_limit: false,
      usage: used,
      usage_daily: used,
      usage_weekly: used,
      usage_monthly: used,
      byok_usage: 0,
      byok_usage_daily: 0,
      byok_usage_weekly: 0,
      byok_usage_monthly: 0,
      is_free_tier: false,
      is_management_key: false,
      is_provisioning_key: false,
      allowed_data_regions: ['global'],
      creator_user_id: null,
      organization_id: null,
      workspace_id: null,
      free_model_daily_requests: { limit: 1000, remaining: 1000, used: 0 },
      rate_limit: { requests: -1, interval: '10s', note: 'This field is deprecated.' },
    }
  }
}

/** One entry of `GET /models`. */
export function openRouterModel(id: string, expiration: string | null = null): object {
  return {
    id,
    canonical_slug: id,
    name: id,
    created: 1_790_000_000,
    description: 'A simulated model.',
    context_length: 1_000_000,
    architecture: {
      modality: 'text->text',
      input_modalities: ['text'],
      output_modalities: ['text'],
      tokenizer: 'Claude',
      instruct_type: null,
    },
    pricing: { prompt: String(price.prompt), completion: price.completion.toFixed(5) },
    top_provider: { context_length: 1_000_000, max_completion_tokens: 128_000, is_moderated: false },
    per_request_limits: null,
    supported_parameters: ['max_tokens', 'tools', 'tool_choice', 'reasoning'],
    supported_voices: null,
    default_parameters: null,
    expiration_date: expiration,
    links: { details: `/api/v1/models/${id}/endpoints` },
  }
}

const noFacts = {
  api_type: 'completions',
  app_id: null,
  cache_discount: null,
  data_region: 'global',
  external_user: null,
  is_byok: false,
  moderation_latency: null,
  native_tokens_completion_images: null,
  num_fetches: null,
  num_input_audio_prompt: null,
  num_media_completion: null,
  num_media_prompt: null,
  num_search_results: null,
  origin: '',
  preset_id: null,
  provider_responses: null,
  router: null,
  service_tier: null,
  upstream_id: null,
  upstream_inference_cost: null,
  web_search_engine: null,
  workspace_id: null,
}

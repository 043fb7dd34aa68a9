import { type Call, fieldsOf, type Refusal } from './answer.ts'
import { refusedMessages } from './anthropic-validation.ts'
import { type BedrockModels, modelBehind } from './bedrock-models.ts'
import { refusedByRules } from './claude-rules.ts'
import { refusedByCloud } from './cloud-rules.ts'
import { firstPartyCall } from './first-party-call.ts'

/** Fields of the first-party API that Bedrock itself refuses, before the model sees them. */
const extraneous = ['model', 'stream']

/** What the model on Bedrock refuses of the first-party API. */
const limits = {
  fields: ['service_tier', 'container', 'mcp_servers', 'fallbacks', 'inference_geo'],
  tools: ['web_search_', 'web_fetch_', 'code_execution_', 'mcp_toolset'],
}

/** Betas that Bedrock takes (its user guide, and what users of gateways have reported until November 2026). */
const usualBetas =
  `computer-use-2024-10-22 computer-use-2025-01-24 computer-use-2025-11-24 token-efficient-tools-2025-02-19
  interleaved-thinking-2025-05-14 output-128k-2025-02-19 dev-full-thinking-2025-05-14 context-1m-2025-08-07
  context-management-2025-06-27 compact-2026-01-12 effort-2025-11-24 tool-search-tool-2025-10-19
  tool-examples-2025-10-29`.split(/\s+/)

/** Opus 4.7 takes one alone; 4.6 and older ones let that of Claude Code pass, which sends its newest to models since 5. */
function betasOf(model: string): readonly string[] {
  if (/opus-4-7/.test(model)) return ['interleaved-thinking-2025-05-14']
  return [...usualBetas, isNewer(model) ? 'thinking-token-count-2026-05-13' : 'claude-code-20250219']
}

/** Whether a model came with 4.7 or later: these take the newer version, and say errors in the words of Claude. */
export function isNewer(model: string): boolean {
  return !/claude-(?:3|instant|v2|(?:opus|sonnet|haiku)-4(?:-[0-6])?(?:-(?:\d{8}|v\d)|[:@]|$))/.test(model)
}

/** A refusal of Bedrock itself. @param message without one, the usual words */
export function invalidRequest(message?: string): Refusal {
  return { status: 400, type: 'ValidationException', message }
}

/** What is wrong with the body of a call of a model, as it is asked by InvokeModel or inside a count of tokens. */
export function refusedBody(
  call: Call,
  model: string,
  options: BedrockModels & { readonly checkRules?: boolean },
): Refusal | undefined {
  const body = fieldsOf(call.request.json)
  const behind = modelBehind(model, options)
  const bad = (message: string): Refusal => ({ status: 400, message })
  const extra = extraneous.find((name) => name in body)
  if (extra !== undefined) {
    return invalidRequest(
      `Malformed input request: #: extraneous key [${extra}] is not permitted, please reformat your input and try again.`,
    )
  }
  const { anthropic_version: version, anthropic_beta: betas } = body
  if (version === undefined) return bad('anthropic_version: Field required')
  if (version !== 'bedrock-2023-05-31' && !(version === '2026-10-21' && isNewer(behind)))
    return bad(`anthropic_version: "${version}" is not supported`)
  if (betas !== undefined && !Array.isArray(betas)) return bad('anthropic_beta: Input should be a valid list')
  const taken = (options.betas ?? betasOf)(behind)
  if (betas?.some((beta: unknown) => !taken.includes(String(beta)))) return bad('invalid beta flag')
  if ('user_profile_id' in body && options.userProfileModels?.includes(behind) === false)
    return bad('user_profile_id: Extra inputs are not permitted')
  const refused = refusedByCloud(body, limits)
  if (refused !== undefined) return bad(refused)
  // What is left is Claude's own.
  const own = firstPartyCall(call, model, ['anthropic_beta'])
  return refusedMessages(own, 'generate') ?? (options.checkRules ? refusedByRules(own) : undefined)
}

import type { FailureKind } from '@spillway/middleware'
import type { FailureScope } from '@spillway/middleware/kit'

/** What the words of an error say that nothing else in it does. */
export interface TellingWords {
  readonly kind: FailureKind
  /** Where it is narrower than the kind usually has it. */
  readonly scope?: FailureScope | undefined
  readonly retryable?: boolean | undefined
  /** When the vendor says that it will be over, in milliseconds since the Unix epoch. */
  readonly until?: number | undefined
}

interface Row extends Omit<TellingWords, 'until'> {
  /** How the message begins. */
  readonly words: RegExp
  /** The vendor sends these words under a code that says something else. */
  readonly overrules?: true
}

const row = (words: RegExp, kind: FailureKind, more: Omit<Row, 'words' | 'kind'> = {}): Row => ({
  ...{ words, kind, ...more },
})

/**
 * Beginnings of messages whose codes say too little: the vendor sends none, or one that other errors have too. Nowhere else
 * is a message looked at, since messages change, and quote what callers say.
 */
const beginnings: readonly Row[] = [
  // Anthropic, 400 invalid_request_error: the prepaid balance is used up. Seen 2024 to 2026-08 (anthropics/claude-code#85675).
  row(/^Your credit balance is too low\b/, 'billing'),
  // Anthropic, 400 invalid_request_error: a spend limit of the organization or the workspace (platform docs, rate limits;
  // seen to 2026-03 in anthropics/claude-code#38038).
  row(/^You have reached your specified (?:\w+ )?API usage limits\b/, 'billing'),
  // Anthropic, 400 invalid_request_error. Seen to 2026-06 (anthropics/claude-code#72457).
  row(/^This organization has been disabled\b/, 'billing'),
  // Anthropic, 400 invalid_request_error, for tokens of a subscription. Seen 2026-04 to 2026-07 (anthropics/claude-code#45048,
  // rynfar/meridian#495).
  row(/^(?:You're out of extra usage|Third-party apps now draw from your extra usage)\b/, 'billing'),
  // Anthropic, 429 rate_limit_error or 403 billing_error: a shorter prompt would pass. Seen to 2026-03 (anthropics/claude-code#39948).
  row(/^Extra usage is required for long context requests\b/, 'billing', {
    scope: 'request',
    overrules: true,
  }),
  // OpenAI 429, Groq 413, rate_limit_exceeded: no minute is long enough for it. Seen to 2026-09 (HunorLaczko/ha-groq-cloud-api#27).
  row(/^Request too large for .{1,200} on tokens per min/, 'rate_limited', {
    scope: 'request',
    retryable: false,
    overrules: true,
  }),
  // AWS, 429 ThrottlingException: back tomorrow. Seen to 2026-07 (Ivy-Interactive/Ivy-Tendril#1756).
  row(/^Too many tokens per day\b/, 'rate_limited', { retryable: false, overrules: true }),
  // AWS, 400 ValidationException: no such model here. Seen to 2026-06 (iOfficeAI/AionCore#377, anthropics/claude-code#1466).
  row(
    /^(?:The provided model identifier is invalid\b|Invocation of model ID \S+ with on-demand throughput\b)/,
    'not_found',
    {
      ...{ overrules: true },
    },
  ),
  // AWS, 400 ValidationException, for every call of an account. Seen to 2026-09 (kirodotdev/Kiro#11191).
  row(/^Operation not allowed\b/, 'permission', { overrules: true }),
  // AWS, 403 AccessDeniedException, and Mantle's permission_error: this model has not been granted to the account, or a policy denies
  // it. Other models may be (Bedrock user guide, model access; seen to 2026-11 in anthropics/claude-code#1466).
  row(
    /^(?:You don't have access to the model\b|Model access is denied\b|\S+ is not available for this account\b|User: \S+ is not authorized to perform: bedrock:Invoke\S* on resource: )/,
    'permission',
    { scope: 'model', overrules: true },
  ),
  // AWS, 400 ValidationException, for every call from there.
  row(/^Access to Anthropic models is not allowed from unsupported\b/, 'permission', { overrules: true }),
  // Google, 400 FAILED_PRECONDITION. Seen 2024-11 (yym68686/uni-api#41).
  row(/^Project \S+ is not allowed to use Publisher Model\b/, 'permission', { scope: 'model' }),
  // Google, 403 PERMISSION_DENIED of one model, which is also what is said of one that does not exist.
  row(/^Permission 'aiplatform\.endpoints\.predict' denied on resource '\S{1,500}\/models\//, 'permission', {
    ...{ scope: 'model', overrules: true },
  }),
  // Google, 400 FAILED_PRECONDITION: no model is sold there.
  row(/^Unsupported region for Vertex AI\b/, 'not_found'),
  // Ollama Cloud, 429 and 403 without a code. Seen 2025-12 to 2026-08 (continuedev/continue#9233, #13195, NousResearch/hermes-agent#68832).
  // Kimi, 403 permission_error or access_terminated_error. Seen to 2026-08 (NanmiCoder/cc-haha#1208, openclaw/openclaw#142656).
  row(/^you(?:'ve| have| \(\S+\) have) reached your (?:[\w-]+ )?(?:\([\w-]+\) )?usage limit\b/i, 'billing', {
    overrules: true,
  }),
  row(/^your subscription payment is past due\b/, 'billing'),
  // LiteLLM, 400 without a code, or of type auth_error. Seen to 2026-03 (continuedev/continue#11616, OWASP/OpenCRE#1102).
  row(/^(?:Budget has been exceeded!|ExceededBudget: )/, 'billing'),
  // MiniMax, 500 api_error, and inside a 200. Seen to 2026-04 (MiniMax-AI/MiniMax-M2#62). Resellers use the same words.
  row(/^insufficient (?:account )?balance\b/i, 'billing'),
  // Fireworks, 412 PRECONDITION_FAILED. Seen to 2026-07 (pollinations/pollinations#12136).
  row(/^Account \S+ is suspended\b/, 'billing'),
  // xAI, 429 and 403 whose code is a sentence. Seen to 2026-07 (continuedev/continue#10373, #12670, Wei-Shaw/sub2api#4069).
  row(/^Your team \S+ has either used all available credits\b/, 'billing'),
  row(/^(?:Your newly created team doesn't have any credits|You have run out of credits)\b/, 'billing'),
  // Relays of the one-api family: 503 without a code, or 400. Seen to 2026-08 (songquanpeng/one-api#2340, QuantumNous/new-api#6915,
  // alvinunreal/oh-my-opencode-slim#944).
  row(/^(?:No available channels? for model\b|当前分组 \S+ 下对于模型 )/, 'not_found'),
  // Ollama Cloud, in an error event that has no code (2026).
  row(/^prompt (?:is )?too long\b/, 'invalid_request'),
  // LM Studio, in an error event that has no code. Seen to 2026-07 (lmstudio-ai/lmstudio-bug-tracker#2205, #546, anomalyco/opencode#11141).
  row(
    /^(?:The number of tokens to keep from the initial prompt|Trying to keep the first \d+ tokens|Cannot truncate prompt with n_keep)\b/,
    'invalid_request',
  ),
]

/** "You will regain access on 2025-07-01 at 00:00 UTC." */
const regained = /\bregain access on (\d{4}-\d\d-\d\d) at (\d\d:\d\d) UTC\b/

/**
 * Undefined for words that say nothing by themselves.
 * @param hasCode whether the error has a code that says what it is
 */
export function tellingWords(message: string, hasCode: boolean): TellingWords | undefined {
  const found = beginnings.find(({ words, overrules }) => (!hasCode || overrules) && words.test(message))
  if (found === undefined) return undefined
  const { kind, scope, retryable } = found
  const [, day, time] = regained.exec(message) ?? []
  const until = day === undefined ? Number.NaN : Date.parse(`${day}T${time}Z`)
  return { kind, scope, retryable, until: Number.isNaN(until) ? undefined : until }
}

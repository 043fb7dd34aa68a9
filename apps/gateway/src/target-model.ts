import type { Config, TargetConfig } from './config/config.ts'

/** Whether other models of a target are asked when one declines: it speaks Anthropic's protocol and serves Claude. */
export function asksOtherModels({ fallback }: Config, { api, model }: TargetConfig): boolean {
  return fallback?.refusal !== undefined && api === 'anthropic' && (model === undefined || isClaude(model))
}

/** By its name, as every venue has it: `claude-opus-5-5`, `us.anthropic.claude-opus-4-6-v1`. */
function isClaude(model: string): boolean {
  return /\bclaude\b/i.test(model)
}

/**
 * What a request or an answer loses on its way to another protocol or to a model that can do less. Short and stable:
 * the words are sent in `x-spillway-degraded`. `unknown_fields` are fields unknown here.
 */
export type Loss =
  | 'audio'
  | 'betas'
  | 'cache_control'
  | 'choices'
  | 'citations'
  | 'custom_tools'
  | 'documents'
  | 'effort'
  | 'fallbacks'
  | 'images'
  | 'logprobs'
  | 'max_tokens'
  | 'metadata'
  | 'parallel_tool_calls'
  | 'pause_turn'
  | 'penalties'
  | 'prefill'
  | 'seed'
  | 'server_tools'
  | 'service_tier'
  | 'stop_sequences'
  | 'structured_output'
  | 'system_messages'
  | 'temperature'
  | 'thinking'
  | 'token_count'
  | 'tool_arguments'
  | 'tool_choice'
  | 'tool_results'
  | 'top_k'
  | 'top_p'
  | 'unknown_fields'

/** Adds the losses of one step to those of another; each occurs once, in alphabetical order. */
export function mergeLosses(...lists: readonly (readonly Loss[])[]): Loss[] {
  return [...new Set(lists.flat())].sort()
}

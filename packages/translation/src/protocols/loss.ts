/**
 * What a request or an answer loses on its way to another protocol or to a model that can do less. Short and stable:
 * the words stand in `x-spillway-degraded`. `unknown_fields` is what nobody here knows.
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

/** Adds the losses of one step to those of another; each stands once, in the order of the alphabet. */
export function mergeLosses(...lists: readonly (readonly Loss[])[]): Loss[] {
  return [...new Set(lists.flat())].sort()
}

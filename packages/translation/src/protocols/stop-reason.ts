const finishReasons: Readonly<Record<string, string | undefined>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
}

/** Anthropic's stop reason in OpenAI's words; one that is new means an ordinary end. */
export function finishReasonOf(stopReason: string | undefined): string {
  return finishReasons[stopReason ?? ''] ?? 'stop'
}

/**
 * OpenAI's finish reason in Anthropic's words. Calls of tools say more than the word does: several servers finish with
 * `stop` and have called one.
 */
export function stopReasonOf(
  finishReason: string | undefined,
  hasToolCalls: boolean,
  refused: boolean,
): string {
  if (finishReason === 'length') return 'max_tokens'
  if (finishReason === 'content_filter' || refused) return 'refusal'
  if (hasToolCalls || finishReason === 'tool_calls' || finishReason === 'function_call') {
    return hasToolCalls ? 'tool_use' : 'end_turn'
  }
  return 'end_turn'
}

/**
 * What the signature of a thinking block begins with that no Claude has signed. Such a block is never sent to Claude,
 * which would refuse the whole conversation.
 */
export const spillwayMark = 'spillway:'

/** A random id, with which vLLM signs thinking at its Messages endpoint (vllm-project/vllm, seen in 2026). */
const randomId = /^(?:[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$/i

/** The longest signature that may be such an id. */
export const longestForeignSignature = 36

/** Whether a signature is certainly none of Claude's: none at all, one of Spillway's, or a random id. */
export function isForeignSignature(signature: string): boolean {
  return signature === '' || signature.startsWith(spillwayMark) || randomId.test(signature)
}

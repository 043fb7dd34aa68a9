import { type Completion, complete } from './completion.ts'
import type { CallOptions, Surface } from './prompt.ts'

/** An answer that is code. */
export interface CodeAnswer extends Completion {
  /** The code alone, without Markdown fences. */
  readonly code: string
  /** As the fence names it; undefined when the model gave none. */
  readonly language: string | undefined
}

/** The temperature of `generateCode` for models that take one. */
const codeTemperature = 0.7

const codeInstructions =
  'Answer with code only, in a single fenced block that names its language. No explanations before or after it.'

/**
 * Asks for code. Fenced blocks are unwrapped; where there are several, they are joined by a blank line.
 * @throws SpillwayError when the call fails; the signal's reason when it aborts
 */
export async function generateCode(
  surface: Surface,
  prompt: string,
  options: CallOptions = {},
): Promise<CodeAnswer> {
  const completion = await complete(surface, prompt, {
    temperature: codeTemperature,
    ...options,
    system: options.system === undefined ? codeInstructions : `${options.system}\n\n${codeInstructions}`,
  })
  return { ...completion, ...unfence(completion.text) }
}

/** A fence opens with its language and closes on a separate line; an answer cut short may not close it. */
const fence = /^[ \t]*(`{3,}|~{3,})([^\n`]*)\n([\s\S]*?)(?:^[ \t]*\1[ \t]*$|$(?![\s\S]))/gm

function unfence(text: string): { code: string; language: string | undefined } {
  const blocks = [...text.matchAll(fence)]
  if (blocks.length === 0) return { code: text.trim(), language: undefined }
  return {
    code: blocks.map(([, , , code = '']) => code.replace(/\r?\n$/, '')).join('\n\n'),
    language: blocks[0]?.[2]?.trim() || undefined,
  }
}

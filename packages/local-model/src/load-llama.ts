import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type {
  ChatHistoryItem,
  ChatWrapper,
  LlamaContext,
  LlamaContextSequence,
  LlamaModel,
} from 'node-llama-cpp'
import { type EngineOptions, engineDefaults } from './engine-options.ts'
import { checkGguf } from './gguf-check.ts'
import { LocalModelError } from './local-model-error.ts'
import { patientTokenizer, type ReadText } from './patient-tokenizer.ts'
import type { Completion, Prompt, Turn } from './prompt.ts'
import type { PromptLimits } from './prompt-size.ts'
import { stopFilter } from './stop-filter.ts'

type Library = typeof import('node-llama-cpp')

/** A loaded model, ready to be asked. */
export interface Loaded {
  /** Of each sequence. */
  readonly limits: PromptLimits
  readonly sequences: readonly LlamaContextSequence[]
  /**
   * Tokenises turns in the model's own template, up to `most` tokens, and keeps the tokens for {@link chat}.
   * @throws the signal's reason when it aborts
   */
  read(turns: readonly Turn[], most: number, signal: AbortSignal): Promise<ReadText>
  /** Generates at most `maxTokens` on a sequence that no other call uses. */
  chat(
    sequence: LlamaContextSequence,
    prompt: Prompt,
    maxTokens: number,
    onText: (piece: string) => void,
    signal: AbortSignal,
  ): Promise<Omit<Completion, 'inputTokens'>>
}

/** Below this size a model is so small that threads wait for each other longer than they compute. */
const tinyBytes = 64 * 1024 * 1024

/**
 * Checks the file, loads llama.cpp and the model.
 * @throws LocalModelError
 */
export async function loadLlama(options: EngineOptions): Promise<Loaded> {
  const facts = await checkGguf(options.modelPath)
  const library = await importLibrary(options.libraryFolder)
  const tiny = facts.bytes < tinyBytes
  const maxThreads = options.maxThreads ?? (tiny ? 1 : undefined)
  const llama = await startEngine(library, options.gpu ?? engineDefaults.gpu, maxThreads)
  try {
    const model = await llama.loadModel({ modelPath: options.modelPath })
    const wanted = options.contextSize ?? { max: Math.min(facts.contextLength, tiny ? 32_768 : 8192) }
    const context = await model.createContext({
      contextSize: wanted,
      sequences: options.parallel ?? engineDefaults.parallel,
    })
    const wrapper = facts.chatTemplate
      ? library.resolveChatWrapper(model, { warningLogs: false })
      : new library.ChatMLChatWrapper()
    return loaded({
      ...{ library, model, context, wrapper },
      thoughtTokens: options.thinkingTokens ?? engineDefaults.thinkingTokens,
      longestTokenBytes: facts.longestTokenBytes,
    })
  } catch (error) {
    await llama.dispose()
    const message = `cannot load the model file ${options.modelPath}: ${(error as Error).message}`
    throw new LocalModelError('SPILLWAY_LOCAL_ENGINE_FAILED', message, { cause: error })
  }
}

async function importLibrary(folder: string | undefined): Promise<Library> {
  try {
    return await import('node-llama-cpp')
  } catch (error) {
    const elsewhere = folder === undefined ? undefined : libraryIn(folder)
    if (elsewhere !== undefined) return (await import(elsewhere)) as Library
    const message = 'an embedded model needs the package node-llama-cpp: npm install node-llama-cpp'
    throw new LocalModelError('SPILLWAY_LOCAL_ENGINE_MISSING', message, { cause: error })
  }
}

/** The address of the library as a program in this folder would find it; undefined where it would not. */
function libraryIn(folder: string): string | undefined {
  try {
    return pathToFileURL(createRequire(join(folder, 'package.json')).resolve('node-llama-cpp')).href
  } catch {
    return undefined
  }
}

async function startEngine(
  library: Library,
  gpu: NonNullable<EngineOptions['gpu']>,
  maxThreads: number | undefined,
): ReturnType<Library['getLlama']> {
  try {
    return await library.getLlama({
      gpu,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: library.LlamaLogLevel.disabled,
      ...(maxThreads === undefined ? {} : { maxThreads }),
    })
  } catch (error) {
    const message = `node-llama-cpp brings no binary for this machine (${process.platform}-${process.arch}, gpu: ${gpu}); see its documentation on building from source`
    throw new LocalModelError('SPILLWAY_LOCAL_ENGINE_MISSING', message, { cause: error })
  }
}

interface Setup {
  readonly library: Library
  readonly model: LlamaModel
  readonly context: LlamaContext
  readonly wrapper: ChatWrapper
  readonly thoughtTokens: number
  readonly longestTokenBytes: number
}

function loaded({ library, model, context, wrapper, thoughtTokens, longestTokenBytes }: Setup): Loaded {
  const sequences = Array.from({ length: context.totalSequences }, () => context.getSequence())
  const tokenizer = patientTokenizer(model)
  return {
    limits: { contextSize: sequences[0]?.contextSize ?? context.contextSize, longestTokenBytes },
    sequences,
    read(turns, most, signal) {
      const { contextText } = wrapper.generateContextState({ chatHistory: history(turns) })
      return tokenizer.read(contextText, most, signal)
    },
    async chat(contextSequence, prompt, maxTokens, onText, signal) {
      const chat = new library.LlamaChat({ contextSequence, chatWrapper: wrapper })
      const before = contextSequence.tokenMeter.usedOutputTokens
      const enough = new AbortController()
      let stopSequence: string | undefined
      const filter = stopFilter(prompt.stop, onText)
      try {
        const { metadata } = await chat.generateResponse(history(prompt.turns), {
          maxTokens,
          signal: AbortSignal.any([signal, enough.signal]),
          stopOnAbortSignal: true,
          budgets: { thoughtTokens, commentTokens: thoughtTokens },
          // The caller has made sure that prompt and answer fit, so nothing is ever shifted out.
          contextShift: { size: 1 },
          onTextChunk(piece) {
            if (signal.aborted) return
            stopSequence ??= filter.push(piece)
            if (stopSequence !== undefined) enough.abort()
          },
          ...sampling(prompt),
        })
        signal.throwIfAborted()
        filter.end()
        const outputTokens = contextSequence.tokenMeter.usedOutputTokens - before
        if (stopSequence !== undefined) return { outputTokens, stop: 'stop_sequence', stopSequence }
        return { outputTokens, stop: metadata.stopReason === 'maxTokens' ? 'max_tokens' : 'end' }
      } catch (error) {
        if (!signal.aborted) await contextSequence.clearHistory()
        throw error
      } finally {
        chat.dispose({ disposeSequence: false })
      }
    },
  }
}

/** The model's turn is always the last: a new one, or one that it goes on with. */
function history(turns: readonly Turn[]): ChatHistoryItem[] {
  const items = turns.map(({ role, text }): ChatHistoryItem => {
    return role === 'assistant' ? { type: 'model', response: [text] } : { type: role, text }
  })
  if (turns.at(-1)?.role !== 'assistant') items.push({ type: 'model', response: [] })
  return items
}

function sampling({ temperature, topP, topK, seed }: Prompt): Record<string, number> {
  const given = Object.entries({ temperature, topP, topK, seed }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as Record<string, number>
}

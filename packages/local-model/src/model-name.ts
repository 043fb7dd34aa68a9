import { basename } from 'node:path'
import type { EngineOptions } from './engine-options.ts'

/** The base name of a model's file, without `.gguf`. */
export function modelNameOf({ modelPath }: EngineOptions): string {
  return basename(modelPath).replace(/\.gguf$/i, '')
}

import wabt from 'wabt'
import { stringSkipText } from './string-skip-text.ts'

/** The module of `string-skip-text.ts` in WebAssembly's binary format, as base64. */
export async function assembled(): Promise<string> {
  const { parseWat } = await wabt()
  const { buffer } = parseWat('string-skip.wat', stringSkipText, { simd: true }).toBinary({})
  return Buffer.from(buffer).toString('base64')
}

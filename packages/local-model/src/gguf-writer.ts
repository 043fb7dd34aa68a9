import { ggufValue } from './gguf-header.ts'

/** Tensors and the data section begin at multiples of this. */
const alignment = 32
const float32Tensor = 0
const float16Tensor = 1

interface Tensor {
  readonly name: string
  /** The contiguous dimension first. */
  readonly shape: readonly number[]
  readonly data: Uint16Array | Float32Array
}

/** Collects keys and tensors, and lays them out as a GGUF file, version 3, little-endian. */
export class GgufWriter {
  readonly #keys: Uint8Array[] = []
  readonly #tensors: Tensor[] = []

  text(key: string, value: string): void {
    this.#key(key, ggufValue.text, string(value))
  }

  texts(key: string, values: readonly string[]): void {
    this.#key(key, ggufValue.array, uint32(ggufValue.text), uint64(values.length), ...values.map(string))
  }

  uint32(key: string, value: number): void {
    this.#key(key, ggufValue.uint32, uint32(value))
  }

  float32(key: string, value: number): void {
    this.#key(key, ggufValue.float32, rawBytes(new Float32Array([value])))
  }

  bool(key: string, value: boolean): void {
    this.#key(key, ggufValue.bool, Uint8Array.of(value ? 1 : 0))
  }

  float32s(key: string, values: Float32Array): void {
    this.#key(key, ggufValue.array, uint32(ggufValue.float32), uint64(values.length), rawBytes(values))
  }

  int32s(key: string, values: Int32Array): void {
    this.#key(key, ggufValue.array, uint32(ggufValue.int32), uint64(values.length), rawBytes(values))
  }

  /** Half floats come as a Uint16Array. */
  tensor(name: string, shape: readonly number[], data: Uint16Array | Float32Array): void {
    this.#tensors.push({ name, shape, data })
  }

  bytes(): Uint8Array {
    const header = [
      Buffer.from('GGUF'),
      uint32(3),
      uint64(this.#tensors.length),
      uint64(this.#keys.length),
      ...this.#keys,
    ]
    const data: Uint8Array[] = []
    let offset = 0
    for (const { name, shape, data: values } of this.#tensors) {
      const type = values instanceof Float32Array ? float32Tensor : float16Tensor
      header.push(string(name), uint32(shape.length), ...shape.map(uint64), uint32(type), uint64(offset))
      data.push(rawBytes(values), padding(values.byteLength))
      offset += values.byteLength + padding(values.byteLength).length
    }
    const headerBytes = Buffer.concat(header)
    return Buffer.concat([headerBytes, padding(headerBytes.length), ...data])
  }

  #key(key: string, type: number, ...value: Uint8Array[]): void {
    this.#keys.push(Buffer.concat([string(key), uint32(type), ...value]))
  }
}

function uint32(value: number): Uint8Array {
  return rawBytes(new Uint32Array([value]))
}

function uint64(value: number): Uint8Array {
  return rawBytes(new BigUint64Array([BigInt(value)]))
}

function string(value: string): Uint8Array {
  const text = Buffer.from(value)
  return Buffer.concat([uint64(text.length), text])
}

function padding(length: number): Uint8Array {
  return new Uint8Array((alignment - (length % alignment)) % alignment)
}

/** The array's memory as it is: every platform that llama.cpp's binaries exist for is little-endian. */
function rawBytes(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

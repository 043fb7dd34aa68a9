import { describe, expect, it } from 'vitest'
import { bytesIn, fieldOf, holdBody, jsonBodyFromLent, peekBytes, withField } from './json-body.ts'
import { LentBytes } from './lent-bytes.ts'

const lend = (): { lent: LentBytes; bytes: Uint8Array<ArrayBuffer> } => {
  const bytes = new TextEncoder().encode('{"model":"a"}')
  return { lent: new LentBytes(bytes), bytes }
}
const givenBack = /were given back/

describe('bytes that are lent', () => {
  it('are given back when their owner is done, and whoever is late finds nothing', () => {
    const { lent, bytes } = lend()
    const view = lent.peek()
    expect(view).toBe(bytes)
    lent.giveBack()
    expect(view).toHaveLength(0)
    expect(bytes.buffer.detached).toBe(true)
    expect(lent).toHaveLength(13)
    for (const late of [() => lent.peek(), () => lent.keep(), () => lent.hold()])
      expect(late).toThrow(givenBack)
  })

  it('stay while a reader holds them', () => {
    const { lent, bytes } = lend()
    const [first, second] = [lent.hold(), lent.hold()]
    lent.giveBack()
    first()
    first()
    expect(lent.peek()).toHaveLength(13)
    second()
    expect(bytes.buffer.detached).toBe(true)
  })

  it('stay while their owner has them, whoever else is done', () => {
    const { lent, bytes } = lend()
    lent.hold()()
    expect(bytes.buffer.detached).toBe(false)
  })

  it('are left to the garbage collector when a reader may keep them', () => {
    const { lent, bytes } = lend()
    expect(lent.keep()).toBe(bytes)
    lent.giveBack()
    expect(lent.peek()).toHaveLength(13)
  })
})

describe('a body of lent bytes', () => {
  it('is kept by who asks for its bytes, and by no reader of its fields', () => {
    const { lent, bytes } = lend()
    const body = jsonBodyFromLent(lent)
    expect(fieldOf(body, 'model')).toBe('a')
    expect(body.json).toEqual({ model: 'a' })
    expect(peekBytes(body)).toBe(bytes)
    const changed = withField(body, 'model', 'b')
    lent.giveBack()
    expect(bytes.buffer.detached).toBe(true)
    expect(bytesIn(body)).toBe(13)
    expect(new TextDecoder().decode(changed.bytes)).toBe('{"model":"b"}')
    expect(() => body.bytes).toThrow(givenBack)
    expect(() => holdBody(body)).toThrow(givenBack)

    const kept = lend()
    expect(jsonBodyFromLent(kept.lent).bytes).toBe(kept.bytes)
    kept.lent.giveBack()
    expect(kept.bytes).toHaveLength(13)
  })
})

import { describe, expect, it } from 'vitest'
import { caseAt } from './case-source.ts'
import { caseOfEntry, entryOf } from './corpus.ts'
import type { AskedOfUpstream, FuzzCase } from './fuzz-case.ts'
import { bodyMarker, caseOf, keyMarker, leaksIn } from './markers.ts'

const host = '127.0.0.1:4321'
const asked: AskedOfUpstream = {
  target: 'claude',
  attempt: 1,
  api: 'anthropic',
  isCount: false,
  stream: true,
  head: '',
}

const bytesOf = ({ request }: FuzzCase): string =>
  request.steps
    .map((step) => ('bytes' in step ? step.bytes.toString('latin1') : JSON.stringify(step)))
    .join('')

describe('a case', () => {
  it('depends on nothing but its seed and its index', () => {
    for (let index = 0; index < 500; index++) {
      const again = caseAt(7, index, host)
      expect(bytesOf(caseAt(7, index, host))).toBe(bytesOf(again))
      expect(caseAt(7, index, host).answer(asked)).toEqual(again.answer(asked))
    }
    expect(bytesOf(caseAt(7, 3, host))).not.toBe(bytesOf(caseAt(8, 3, host)))
  })

  it('is the same after it has been kept in a file', () => {
    for (let index = 0; index < 200; index++) {
      const original = caseAt(5, index, host)
      const received = [{ target: 'claude', index, answer: original.answer(asked) }]
      const entry = JSON.parse(JSON.stringify(entryOf(original, received, { seed: 5, problem: 'x' })))
      const restored = caseOfEntry(entry, host)
      expect(bytesOf(restored)).toBe(bytesOf(original))
      expect(restored.answer(asked)).toEqual(original.answer(asked))
      expect(restored.answer({ ...asked, target: 'router' }).isValid).toBe(false)
    }
  })

  it('is of every kind, and mostly a valid one', () => {
    const kinds = new Map<string, number>()
    const answers = new Map<string, number>()
    for (let index = 0; index < 4_000; index++) {
      const each = caseAt(1, index, host)
      kinds.set(each.request.kind, (kinds.get(each.request.kind) ?? 0) + 1)
      const { kind } = each.answer(asked)
      answers.set(kind, (answers.get(kind) ?? 0) + 1)
    }
    expect(kinds.size).toBeGreaterThan(20)
    expect(answers.size).toBeGreaterThan(22)
    expect(kinds.get('body: valid')).toBeGreaterThan(1_000)
    expect(answers.get('valid')).toBeGreaterThan(2_400)
  })
})

describe('markers', () => {
  it('tell the case that bytes belong to', () => {
    for (const index of [0, 1, 35, 36, 12_345, 999_999]) {
      expect(caseOf(Buffer.from(`x ${bodyMarker(index)} y`))).toBe(index)
      expect(leaksIn(Buffer.from(bodyMarker(index)), index)).toEqual([])
      expect(leaksIn(Buffer.from(bodyMarker(index)), index + 1)).toHaveLength(1)
      expect(leaksIn(Buffer.from(keyMarker(index)), index)).toHaveLength(1)
    }
  })

  it('that are damaged belong to no case', () => {
    const text = bodyMarker(12_345)
    for (let at = text.length - 3; at > 10; at--) {
      const damaged = Buffer.from(text)
      damaged[at] = (damaged[at] as number) ^ 1
      expect(caseOf(damaged)).toBeUndefined()
      expect(leaksIn(damaged, 7)).toEqual([])
    }
  })
})

import { describe, expect, it } from 'vitest'
import { OutputBooks, withinOf } from './output-books.ts'

describe('the books of output', () => {
  it('have at each call what those of the last minute reserve, or have settled at', () => {
    const books = new OutputBooks()
    const first = books.reserve(100, 0)
    books.reserve(100, 10)
    first(30, 20)
    books.reserve(100, 30)
    expect(books.mostBooked()).toBe(230)
    books.reserve(150, 60_009)
    expect(books.mostBooked()).toBe(350)
    books.reserve(150, 60_010)
    expect(books.mostBooked()).toBe(400)
  })

  it('take the lesser of a call that settles at the moment of the next one', () => {
    const books = new OutputBooks()
    books.reserve(100, 0)(300, 50)
    books.reserve(10, 50)
    expect(books.mostBooked()).toBe(110)
  })

  it('tell of a minute what its answers had beyond their reservation, and what earlier calls had', () => {
    const books = new OutputBooks()
    const long = books.reserve(100, 0)
    const settled = books.reserve(100, 60_001)
    books.generated(90, 60_001, 60_100)
    settled(90, 60_100)
    const beyond = books.reserve(100, 70_000)
    books.generated(40, 0, 80_000)
    long(240, 80_000)
    books.generated(160, 70_000, 90_000)
    beyond(160, 90_000)
    const { busiest, leastExplained } = books.minutes()
    expect(busiest).toEqual({ generated: 290, earlier: 40, beyond: 60 })
    // 90 and 100: what the limit bounds.
    expect(withinOf(leastExplained)).toBe(190)
  })

  it('explain nothing of what a limiter lets through that does not reserve', () => {
    const books = new OutputBooks()
    for (let call = 0; call < 10; call++) {
      const settle = books.reserve(100, call)
      books.generated(100, call, 100 + call)
      settle(100, 100 + call)
    }
    expect(withinOf(books.minutes().leastExplained)).toBe(1_000)
    expect(books.mostBooked()).toBe(1_000)
  })
})

/** Bytes in a block, and in a vector of which four make a block. */
const [block, lanes] = [64, 16]
const vectors = [0, 1, 2, 3]

/** A vector that has the same byte everywhere. */
const each = (byte: number): string => list(Array<number>(lanes).fill(byte))
const list = (bytes: readonly number[]): string => `(v128.const i8x16 ${bytes.join(' ')})`
const vector = (index: number): string => `(local.get $v${index})`

/** A bit for each byte of the block for which a comparison of its vectors holds. */
function bits(holds: (vector: string) => string): string {
  const [first, ...more] = vectors.map((index) => {
    const found = `(i64.extend_i32_u (i8x16.bitmask ${holds(vector(index))}))`
    return index === 0 ? found : `(i64.shl ${found} (i64.const ${lanes * index}))`
  })
  return more.reduce((all, found) => `(i64.or ${all} ${found})`, first ?? '')
}

/** Of bytes that may stand behind a backslash: which their lower halves can be, and which their upper halves can be. */
const escapable = '"/\\bfnrt'
const lower = Array<number>(lanes).fill(0)
const upper = Array<number>(lanes).fill(0)
for (const character of escapable) {
  const byte = character.charCodeAt(0)
  const bit = 1 << ((byte >> 4) - 2)
  lower[byte & 15] = (lower[byte & 15] ?? 0) | bit
  upper[byte >> 4] = bit
}

const quotes = bits((of) => `(i8x16.eq ${of} ${each(0x22)})`)
const backslashes = bits((of) => `(i8x16.eq ${of} ${each(0x5c)})`)
const isControl = (of: string): string => `(i8x16.lt_u ${of} ${each(0x20)})`
const unescapable = bits(
  (of) => `(i8x16.eq ${each(0)} (v128.and
      (i8x16.swizzle ${list(lower)} (v128.and ${of} ${each(15)}))
      (i8x16.swizzle ${list(upper)} (i8x16.shr_u ${of} (i32.const 4)))))`,
)
const anyControl = vectors
  .map((index) => isControl(vector(index)))
  .reduce((all, some) => `(v128.or ${all} ${some})`)

/** Every second bit, from the second on. */
const odd = '(i64.const 0xaaaaaaaaaaaaaaaa)'

/**
 * The module in WebAssembly's text format. It looks at a block at a time, with a bit for each byte: which bytes are escaped follows from one
 * subtraction, in which each run of backslashes carries to its end (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019, 3.1.1).
 */
export const stringSkipText: string = `(module
  ;; The bytes, and behind them the number of escapes that were skipped.
  (memory (export "memory") 2)
  (func (export "skip") (param $at i32) (param $end i32) (result i32)
    ${vectors.map((index) => `(local $v${index} v128)`).join(' ')}
    (local $backslashes i64) (local $ends i64) (local $escapes i64) (local $escaped i64) (local $count i32)
    (local.set $end (i32.sub (local.get $end) (i32.const ${block})))
    (block $out (loop $next
      (br_if $out (i32.gt_s (local.get $at) (local.get $end)))
      ${vectors.map((index) => `(local.set $v${index} (v128.load offset=${lanes * index} align=1 (local.get $at)))`).join('\n      ')}
      (local.set $backslashes ${backslashes})
      (local.set $ends ${quotes})
      (local.set $escapes (i64.const 0))
      (if (i64.ne (local.get $backslashes) (i64.const 0)) (then
        ;; The first of each pair in a run of backslashes, and the byte behind a run of an odd number.
        (local.set $escapes (i64.xor ${odd} (i64.sub
          (i64.or ${odd} (i64.shl (local.get $backslashes) (i64.const 1)))
          (local.get $backslashes))))
        (local.set $escaped (i64.xor (local.get $escapes) (local.get $backslashes)))
        (local.set $escapes (i64.and (local.get $escapes) (local.get $backslashes)))
        ;; A quote that is escaped is no end; a backslash is one where something else follows than what is skipped.
        (local.set $ends (i64.or
          (i64.and (local.get $ends) (i64.xor (local.get $escaped) (i64.const -1)))
          (i64.shr_u (i64.and (local.get $escaped) ${unescapable}) (i64.const 1))))))
      (if (v128.any_true ${anyControl}) (then
        (local.set $ends (i64.or (local.get $ends) ${bits(isControl)}))))
      (if (i64.ne (local.get $ends) (i64.const 0)) (then
        (local.set $ends (i64.ctz (local.get $ends)))
        (local.set $at (i32.add (local.get $at) (i32.wrap_i64 (local.get $ends))))
        (local.set $escapes (i64.and (local.get $escapes)
          (i64.sub (i64.shl (i64.const 1) (local.get $ends)) (i64.const 1))))
        (local.set $count (i32.add (local.get $count) (i32.wrap_i64 (i64.popcnt (local.get $escapes)))))
        (br $out)))
      ;; An escape that begins with the last byte is the beginning of the next block.
      (local.set $at (i32.add (local.get $at)
        (i32.sub (i32.const ${block}) (i32.wrap_i64 (i64.shr_u (local.get $escapes) (i64.const 63))))))
      (local.set $escapes (i64.and (local.get $escapes) (i64.const 0x7fffffffffffffff)))
      (local.set $count (i32.add (local.get $count) (i32.wrap_i64 (i64.popcnt (local.get $escapes)))))
      (br $next)))
    (i32.store offset=65536 (i32.const 0) (local.get $count))
    (local.get $at)))
`

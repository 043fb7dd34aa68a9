/** Bytes in a block, and in a vector of which four make a block. */
const [block, lanes] = [64, 16]
const vectors = [0, 1, 2, 3]

/** A vector that has the same byte everywhere, which is made once, before the blocks: V8 would make it for each. */
const constants = new Map<string, string>()
const constant = (value: string): string => {
  const name = constants.get(value) ?? `$c${constants.size}`
  constants.set(value, name)
  return `(local.get ${name})`
}
const each = (byte: number): string => constant(list(Array<number>(lanes).fill(byte)))
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

/**
 * For each lower half of a byte, the byte with it that may stand behind a backslash; where there is none, one with another half, which no byte
 * equals. Three have that of a quote, of which `b` and `r` differ in one bit.
 */
const escapable = Array.from({ length: lanes }, (_, half) => (half + 1) % lanes)
for (const character of '"/\\fnt') escapable[character.charCodeAt(0) & 15] = character.charCodeAt(0)
const betweenThem = 'b'.charCodeAt(0) ^ 'r'.charCodeAt(0)

const quotes = bits((of) => `(i8x16.eq ${of} ${each(0x22)})`)
const backslashes = bits((of) => `(i8x16.eq ${of} ${each(0x5c)})`)
const isControl = (of: string): string => `(i8x16.lt_u ${of} ${each(0x20)})`
const escaping = bits(
  (of) => `(v128.or (i8x16.eq (v128.or ${of} ${each(betweenThem)}) ${each('r'.charCodeAt(0))})
      (i8x16.eq ${of} (i8x16.swizzle ${constant(list(escapable))} (v128.and ${of} ${each(15)}))))`,
)
/** The lowest bytes, of which one is a control character where there is any. */
const lowest = vectors.map(vector).reduce((all, some) => `(i8x16.min_u ${all} ${some})`)

const lowestControl = isControl(lowest)
const controls = bits(isControl)

/** Every second bit, from the second on. */
const odd = '(i64.const 0xaaaaaaaaaaaaaaaa)'

/**
 * The module in WebAssembly's text format. It looks at a block at a time, with a bit for each byte: which bytes are escaped follows from one
 * subtraction, in which each run of backslashes carries to its end (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019, 3.1.1).
 * What one block says of the next is one bit, so that a processor works on several at a time.
 */
export const stringSkipText: string = `(module
  ;; The bytes, and behind them the number of escapes that were skipped.
  (memory (export "memory") 2)
  (func (export "skip") (param $at i32) (param $end i32) (result i32)
    ${vectors.map((index) => `(local $v${index} v128)`).join(' ')}
    ${[...constants.values()].map((name) => `(local ${name} v128)`).join(' ')}
    (local $backslashes i64) (local $ends i64) (local $wrong i64) (local $carried i64) (local $begun i64)
    (local $escapes i64) (local $escaped i64) (local $count i32)
    ${[...constants].map(([value, name]) => `(local.set ${name} ${value})`).join('\n    ')}
    (local.set $end (i32.sub (local.get $end) (i32.const ${block})))
    (block $out (loop $next
      (br_if $out (i32.gt_s (local.get $at) (local.get $end)))
      ${vectors.map((index) => `(local.set $v${index} (v128.load offset=${lanes * index} align=1 (local.get $at)))`).join('\n      ')}
      (local.set $backslashes ${backslashes})
      (local.set $ends ${quotes})
      (local.set $escapes (i64.const 0))
      (local.set $wrong (i64.const 0))
      (if (i64.ne (i64.or (local.get $backslashes) (local.get $carried)) (i64.const 0)) (then
        ;; The first of each pair in a run of backslashes, and the byte behind a run of an odd number.
        (local.set $begun (i64.and (local.get $backslashes) (i64.xor (local.get $carried) (i64.const -1))))
        (local.set $escapes (i64.xor ${odd} (i64.sub
          (i64.or ${odd} (i64.shl (local.get $begun) (i64.const 1)))
          (local.get $begun))))
        (local.set $escaped (i64.xor (local.get $escapes) (i64.or (local.get $backslashes) (local.get $carried))))
        (local.set $escapes (i64.and (local.get $escapes) (local.get $backslashes)))
        ;; A quote that is escaped is no end; what is escaped is one where it is not skipped, and its backslash with it.
        (local.set $wrong (i64.and (local.get $escaped) (i64.xor ${escaping} (i64.const -1))))
        (local.set $ends (i64.or (local.get $wrong)
          (i64.and (local.get $ends) (i64.xor (local.get $escaped) (i64.const -1)))))))
      (if (v128.any_true ${lowestControl}) (then
        (local.set $ends (i64.or (local.get $ends) ${controls}))))
      (if (i64.ne (local.get $ends) (i64.const 0)) (then
        (local.set $carried (i64.and (i64.const 1) (i64.shr_u (local.get $wrong) (i64.ctz (local.get $ends)))))
        (local.set $escapes (i64.and (local.get $escapes)
          (i64.sub (i64.shl (i64.const 1) (i64.ctz (local.get $ends))) (i64.const 1))))
        (local.set $count (i32.add (local.get $count) (i32.wrap_i64 (i64.popcnt (local.get $escapes)))))
        (local.set $at (i32.add (local.get $at) (i32.wrap_i64 (i64.ctz (local.get $ends)))))
        (br $out)))
      (local.set $carried (i64.shr_u (local.get $escapes) (i64.const 63)))
      (local.set $count (i32.add (local.get $count) (i32.wrap_i64 (i64.popcnt (local.get $escapes)))))
      (local.set $at (i32.add (local.get $at) (i32.const ${block})))
      (br $next)))
    ;; A backslash before the end, whose escape is not skipped, or not whole.
    (i32.store offset=65536 (i32.const 0) (i32.sub (local.get $count) (i32.wrap_i64 (local.get $carried))))
    (i32.sub (local.get $at) (i32.wrap_i64 (local.get $carried)))))
`

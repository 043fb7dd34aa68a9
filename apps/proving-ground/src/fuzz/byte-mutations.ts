import type { Dice } from './dice.ts'

const oddBytes: readonly Buffer[] = [
  Buffer.from([0]),
  Buffer.from([0xff]),
  Buffer.from([0xef, 0xbb, 0xbf]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf4, 0x90, 0x80, 0x80]),
  Buffer.from([0xf0, 0x9f, 0x8e]),
  ...[
    '\r\n',
    '\n\n',
    '\r',
    '"',
    '\\',
    '\\u',
    '\\ud83d',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '//',
    '/**/',
    'NaN',
    'undefined',
    '1e999',
    '-',
    "'",
    '\u2028',
    '\u0085',
    'data: ',
    'event: ',
    '[DONE]',
    ': ',
    'id: 1\n',
    'retry: 0\n',
    '\t',
    '\u00a0',
  ].map((text) => Buffer.from(text)),
]

/** Damages bytes in so many places. */
export function mutateBytes(bytes: Buffer, dice: Dice, times: number): Buffer {
  let result = Buffer.from(bytes)
  for (let done = 0; done < times; done++) result = mutateOnce(result, dice)
  return result
}

function mutateOnce(bytes: Buffer, dice: Dice): Buffer<ArrayBuffer> {
  const at = dice.int(bytes.length + 1)
  const length = Math.min(bytes.length - at, dice.size(6, 4_000))
  switch (dice.int(9)) {
    case 0:
    case 1: {
      const flipped = Buffer.from(bytes)
      if (at < bytes.length) flipped[at] = (flipped[at] as number) ^ (1 << dice.int(8))
      return flipped
    }
    case 2:
      return splice(bytes, at, length, Buffer.alloc(0))
    case 3:
      return splice(bytes, at, 0, dice.pick(oddBytes))
    case 4:
      return splice(bytes, at, dice.int(3), dice.bytes(dice.size(4, 200)))
    case 5:
      return Buffer.from(bytes.subarray(0, at))
    case 6: {
      const copied = bytes.subarray(at, at + length)
      return splice(bytes, dice.int(bytes.length + 1), 0, copied)
    }
    case 7: {
      // Numbers are read by everything that counts.
      const digit = digitFrom(bytes, at)
      if (digit < 0) return splice(bytes, at, 0, dice.pick(oddBytes))
      return splice(
        bytes,
        digit,
        1,
        Buffer.from(dice.pick(['-1', '1e308', '99999999999999999999', '0', '1.5', '00', 'null', '"1"'])),
      )
    }
    default:
      return splice(
        bytes,
        at,
        0,
        Buffer.alloc(dice.size(20, 3_000), dice.pick([0x20, 0x0a, 0x5b, 0x7b, 0x61])),
      )
  }
}

function digitFrom(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte >= 0x30 && byte <= 0x39) return at
  }
  return -1
}

function splice(bytes: Buffer, at: number, removed: number, added: Buffer): Buffer<ArrayBuffer> {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)])
}

import type { Dice } from './dice.ts'
import type { FuzzRequest, Step } from './fuzz-case.ts'
import type { CallText } from './requests.ts'

/** How a call is put into HTTP. */
export type Shape = (
  dice: Dice,
  call: CallText,
  host: string,
) => Partial<FuzzRequest> & { readonly steps: readonly Step[] }

/** A shape with its name and how often it is taken, in parts of about a hundred. */
export type WeightedShape = readonly [weight: number, named: readonly [name: string, shape: Shape]]

export const send = (bytes: Buffer | string): Step => ({
  do: 'send',
  bytes: typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes,
})
export const wait = (ms: number): Step => ({ do: 'wait', ms })

/** Every header, with this framing in place of the usual. */
export function headOf(
  call: CallText,
  host: string,
  framing: readonly string[],
  more: readonly string[] = [],
): string {
  const lines = [
    `${call.method} ${call.path} HTTP/1.1`,
    `host: ${host}`,
    ...call.headers,
    ...more,
    ...framing,
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

export const lengthOf = ({ body }: CallText): string => `content-length: ${body.length}`

export function plain(call: CallText, host: string, more: readonly string[] = []): Buffer {
  return Buffer.concat([Buffer.from(headOf(call, host, [lengthOf(call)], more), 'latin1'), call.body])
}

export const closing = ['connection: close']

export function chunked(dice: Dice, body: Buffer, isBroken: boolean): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const length = Math.min(body.length - at, dice.size(200, 20_000))
    const extension = dice.chance(0.1) ? ';name="value"' : ''
    const size = dice.chance(0.1) ? `000${length.toString(16).toUpperCase()}` : length.toString(16)
    parts.push(Buffer.from(`${size}${extension}\r\n`), body.subarray(at, at + length), Buffer.from('\r\n'))
    at += length
  }
  parts.push(Buffer.from(dice.chance(0.1) ? '0\r\nx-trailer: 1\r\n\r\n' : '0\r\n\r\n'))
  if (isBroken) {
    const at = dice.int(parts.length)
    parts[at] = Buffer.from(
      dice.pick([
        '-1\r\n',
        'fffffffffffffffff\r\n',
        'g\r\n',
        '\r\n',
        '0x10\r\n',
        ' 5\r\n',
        '5\n',
        '0\r\n',
        '',
        '5;\u0000\r\n',
        `5;${'e'.repeat(20_000)}\r\n`,
      ]),
    )
  }
  return Buffer.concat(parts)
}

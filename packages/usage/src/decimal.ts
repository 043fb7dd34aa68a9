/** An exact decimal: `units` divided by ten to the power of `scale`. */
export interface Decimal {
  readonly units: bigint
  readonly scale: number
}

const pattern = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/i

/**
 * Reads a decimal that is not negative, such as `0.125` or `1e-7`.
 * @throws RangeError for anything else
 */
export function decimal(text: string): Decimal {
  const found = pattern.exec(text)
  if (found === null) throw new RangeError(`expected a decimal of 0 or more, but got '${text}'`)
  const [, whole = '0', fraction = '', exponent = '0'] = found
  const units = BigInt(whole + fraction)
  const scale = fraction.length - Number(exponent)
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 }
}

export function times(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale }
}

export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  return { units: scaled(a, scale) + scaled(b, scale), scale }
}

const powers = Array.from({ length: 64 }, (_, exponent) => 10n ** BigInt(exponent))

/** For speed: a power of large integers takes longer than all else about a price. */
const powerOfTen = (exponent: number): bigint => powers[exponent] ?? 10n ** BigInt(exponent)

/** The value in units of ten to the power of minus `scale`, half rounded up. */
export function rounded(value: Decimal, scale: number): bigint {
  if (value.scale <= scale) return scaled(value, scale)
  const divisor = powerOfTen(value.scale - scale)
  return (value.units + divisor / 2n) / divisor
}

function scaled({ units, scale }: Decimal, wanted: number): bigint {
  // For speed: most sums are of what has the same scale.
  if (scale === wanted || units === 0n) return units
  return units * powerOfTen(wanted - scale)
}

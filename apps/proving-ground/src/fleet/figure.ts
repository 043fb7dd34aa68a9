/** One thing that is to hold, and what was seen of it. */
export interface Figure {
  readonly what: string
  readonly wanted: string
  readonly seen: string
  readonly holds: boolean
}

/** That nothing of a kind was found. */
export function none(what: string, found: readonly unknown[], of?: number): Figure {
  const examples = [...new Set(found.map(String))].slice(0, 3).join(' | ')
  const seen = `${found.length}${of === undefined ? '' : ` of ${of}`}${examples && `: ${examples}`}`
  return { what, wanted: '0', seen, holds: found.length === 0 }
}

/** That two counts are the same. */
export function same(what: string, seen: number, wanted: number): Figure {
  return { what, wanted: String(wanted), seen: String(seen), holds: seen === wanted }
}

/** How far limits and budgets may be missed. */
const tolerance = 0.02

/** That a count is near what it should be, and how near it is. */
export function within(
  what: string,
  seen: number,
  wanted: number,
  sides: 'both' | 'above' | 'below' = 'both',
): Figure {
  const ratio = seen / wanted
  const isHigh = sides !== 'below' && ratio > 1 + tolerance
  const isLow = sides !== 'above' && ratio < 1 - tolerance
  const percent = { both: '98 to 102 %', above: 'at most 102 %', below: 'at least 98 %' }[sides]
  const figure = (value: number): string => String(Math.round(value * 100) / 100)
  return {
    what,
    wanted: `${figure(wanted)}, ${percent}`,
    seen: `${figure(seen)}, ${(ratio * 100).toFixed(1)} %`,
    holds: !isHigh && !isLow,
  }
}

/** What is worth telling without being asked for. */
export function told(what: string, seen: string): Figure {
  return { what, wanted: 'any', seen, holds: true }
}

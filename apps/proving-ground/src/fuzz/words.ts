import type { Dice } from './dice.ts'

const vocabulary =
  'the a reservoir fills behind the dam and a spillway carries what it cannot hold past the wall into the river below where it was going anyway Zürich 日本語 🎉 naïve \n "quoted" \\ back/slash <tag> &amp; 1,234.5'.split(
    ' ',
  )

export function words(dice: Dice, median: number): string {
  let text = ''
  for (let left = dice.size(median, 40 * median); left > 0; left--) text += `${dice.pick(vocabulary)} `
  return text
}

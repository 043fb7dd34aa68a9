import type { Dice } from '../fuzz/dice.ts'

/** The same JSON in other letters: spaces between, and letters of names and texts as escapes. It means the same to every parser. */
export function oddlyWritten(value: unknown, dice: Dice): string {
  if (!dice.chance(0.3)) return JSON.stringify(value)
  const often = dice.pick([0.02, 0.3, 1])
  const text = dice.chance(0.5) ? JSON.stringify(value, null, dice.pick([1, '\t', 3])) : JSON.stringify(value)
  return text.replace(/"(?:[^"\\]|\\.)*"/g, (whole) => {
    const inner = whole.slice(1, -1).replace(/\\.|[\w-]/g, (letter) => {
      if (letter.length > 1 || !dice.chance(often)) return letter
      const code = letter.charCodeAt(0).toString(16).padStart(4, '0')
      return `\\u${dice.chance(0.5) ? code : code.toUpperCase()}`
    })
    return `"${inner}"${dice.chance(0.1) ? ' \n' : ''}`
  })
}

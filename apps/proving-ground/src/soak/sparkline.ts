const bars = [...'▁▂▃▄▅▆▇█']

/** Values over time in a line of text, so many characters wide; the least is the lowest bar. */
export function sparkline(values: readonly number[], width: number): string {
  const columns = Math.min(width, values.length)
  const shown = Array.from({ length: columns }, (_, column) => {
    const part = values.slice(
      Math.floor((column * values.length) / columns),
      Math.floor(((column + 1) * values.length) / columns),
    )
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
  const [least, most] = [Math.min(...shown), Math.max(...shown)]
  const scale = most > least ? (bars.length - 1) / (most - least) : 0
  return shown.map((value) => bars[Math.round((value - least) * scale)]).join('')
}

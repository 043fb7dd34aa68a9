import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

/** Panels below each other under a title, as an SVG. */
export async function renderPlot(
  text: string,
  subtitle: string,
  vconcat: readonly object[],
  more: object = {},
): Promise<string> {
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    padding: 12,
    title: { text, subtitle, anchor: 'start', fontSize: 15, subtitleFontSize: 12 },
    vconcat,
    ...more,
    config: {
      axis: { labelFontSize: 11, titleFontSize: 12 },
      legend: { labelFontSize: 12 },
      view: { stroke: '#bbb' },
    },
  }
  const view = new View(parse(compile(spec as unknown as TopLevelSpec).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return `${svg}\n`
}

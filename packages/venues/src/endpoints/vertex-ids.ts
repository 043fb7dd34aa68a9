import { datedName } from './dated-names.ts'

/** The id of a model at Vertex AI: `claude-sonnet-4-5@20250929`, `claude-opus-5`. Ids are taken as they are. */
export function vertexId(model: string): string {
  if (!model.startsWith('claude-') || model.includes('@')) return model
  const { name, date } = datedName(model)
  if (date === undefined) return name
  return `${name}${name === 'claude-3-5-sonnet' && date === '20241022' ? '-v2' : ''}@${date}`
}

/** The label of the values beyond the bound, as in the conventions' `error.type`. */
export const otherLabel = '_OTHER'

/** How much of a model's name its label has, in characters. */
const longestLabel = 128

/** So many sets of labels for each model that is told apart: it has several operations, answers and kinds of failures. */
const setsOfModel = 5

/** What the labels of a call are made from. */
export interface LabelledCall {
  readonly operation: string
  readonly provider: string
  readonly requestModel: string
  readonly responseModel: string | undefined
  readonly errorType: string | undefined
}

/**
 * Bounds the series of metrics by model: callers choose the names of models, and each new set of labels is a time series
 * for ever. Names pass until there are `maxModels`, later ones become {@link otherLabel}. A name that no upstream has
 * answered for takes one of the first half of the places alone, so that names that are refused leave some to those that
 * exist. When names have been combined in too many ways, both models of a new combination are {@link otherLabel}.
 */
export function boundedModels(maxModels: number): (call: LabelledCall) => LabelledCall {
  const names = new Set<string>()
  const sets = new Set<string>()
  const bounded = (model: string, places: number): string => {
    const name = model.slice(0, longestLabel)
    if (names.has(name)) return name
    if (names.size >= places) return otherLabel
    names.add(name)
    return name
  }
  const bound = (call: LabelledCall): LabelledCall => {
    const places = call.errorType === undefined ? maxModels : Math.ceil(maxModels / 2)
    const requestModel = bounded(call.requestModel, places)
    const responseModel = call.responseModel === undefined ? undefined : bounded(call.responseModel, places)
    const set = [call.operation, call.provider, requestModel, responseModel, call.errorType].join('\n')
    if (!sets.has(set)) {
      if (sets.size >= maxModels * setsOfModel)
        return { ...call, requestModel: otherLabel, responseModel: responseModel && otherLabel }
      sets.add(set)
    }
    return { ...call, requestModel, responseModel }
  }
  // For speed: most calls are like the one before, and what is known stays so.
  let last: LabelledCall | undefined
  let labels: LabelledCall | undefined
  return (call) => {
    if (last === undefined || labels === undefined || !isSame(call, last)) {
      last = call
      labels = bound(call)
    }
    return labels
  }
}

const isSame = (a: LabelledCall, b: LabelledCall): boolean =>
  a.requestModel === b.requestModel &&
  a.responseModel === b.responseModel &&
  a.errorType === b.errorType &&
  a.operation === b.operation &&
  a.provider === b.provider

/** How many results a memo keeps before it begins again. */
const capacity = 1_000

/** Longer texts are not remembered: callers choose what follows the path of a URL. */
const longestKey = 256

/** Remembers what `make` made of each key. Begins again when it is full, as callers choose some of the keys. */
export function memo<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>()
  return (key) => {
    let value = made.get(key)
    if (value === undefined) {
      value = make(key)
      if (typeof key === 'string' && key.length > longestKey) return value
      if (made.size >= capacity) made.clear()
      made.set(key, value)
    }
    return value
  }
}

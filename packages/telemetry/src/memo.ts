/** How many results a memo keeps before it begins anew. */
const capacity = 1_000

/** Remembers what `make` made of each key. Begins anew when it is full, as callers choose some of the keys. */
export function memo<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>()
  return (key) => {
    let value = made.get(key)
    if (value === undefined) {
      value = make(key)
      if (made.size >= capacity) made.clear()
      made.set(key, value)
    }
    return value
  }
}

/**
 * A listener whose errors are logged and do not propagate. A promise that it returns may reject as well.
 * @param name for the line
 */
export function safeListener<T>(
  name: string,
  listener: ((event: T) => unknown) | undefined,
  log: (line: string) => void,
): ((event: T) => void) | undefined {
  if (listener === undefined) return undefined
  const failed = (error: unknown): void => log(`${name} failed: ${(error as Error)?.message ?? error}`)
  return (event) => {
    try {
      const result = listener(event)
      if (result instanceof Promise) result.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

/**
 * A warning of the process, by a code that `--disable-warning` takes; on the console where the runtime has no such warnings. A process
 * that turns warnings into exceptions (`--throw-deprecation` is one way) keeps its calls.
 */
export function emitWarning(text: string, code: string): void {
  try {
    if (globalThis.process?.emitWarning === undefined) console.warn(text)
    else process.emitWarning(text, { code })
  } catch {
    // There is no one left to warn.
  }
}

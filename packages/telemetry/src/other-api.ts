/** Where every copy of `@opentelemetry/api` 1.x keeps what has been registered with it. */
const registered = Symbol.for('opentelemetry.js.api.1')

interface Registered {
  readonly version?: unknown
  readonly trace?: unknown
  readonly metrics?: unknown
}

/**
 * Warns once, where an SDK is registered that this copy of `@opentelemetry/api` does not see: a copy hands over only what one of
 * the same or a newer minor version has registered. To be called where no SDK was found.
 */
export function warnOfOtherApi(warn: (text: string, code: string) => void): () => void {
  let isWarned = false
  return () => {
    if (isWarned) return
    const found = (globalThis as { [registered]?: Registered })[registered]
    if (found === undefined || (found.trace === undefined && found.metrics === undefined)) return
    isWarned = true
    warn(
      `@spillway/telemetry records nothing: an OpenTelemetry SDK is registered with @opentelemetry/api ${found.version}, and @spillway/telemetry has found another, newer copy of that package. Install one version of @opentelemetry/api for both (npm ls @opentelemetry/api shows where they come from)`,
      'SPILLWAY_OPENTELEMETRY_API',
    )
  }
}

import { attemptTelemetry, telemetry, wrapFetch } from '@spillway/telemetry'

export const observedFetch = wrapFetch(fetch, telemetry(), attemptTelemetry())

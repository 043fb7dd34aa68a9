export { timeouts, wrapFetch } from '@spillway/attempt'
export type { Loss } from '@spillway/wire'
export { degradedHeader } from './degraded-header.ts'
export { type TranslateOptions, translate, translateDefaults } from './translate.ts'

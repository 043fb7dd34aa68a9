import { copyForBundlers } from '../../../apps/gateway/command/copy-for-bundlers.ts'

await copyForBundlers('undici', 'bundlers/undici.js')

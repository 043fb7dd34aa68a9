import { copyForBundlers } from '../../../apps/gateway/command/copy-for-bundlers.ts'

await copyForBundlers('opossum', 'bundlers/opossum.js')

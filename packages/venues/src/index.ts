export { firstPartyName } from './model-names.ts'

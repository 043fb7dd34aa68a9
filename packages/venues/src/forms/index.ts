export {
  type BedrockFacts,
  type FirstPartyForm,
  fromBedrockBody,
  fromBedrockCount,
  fromBedrockCounted,
  toBedrockBody,
  toBedrockCount,
  toBedrockCounted,
} from './bedrock-body.ts'
export { eventsToFrames } from './events-to-frames.ts'
export { framesToEvents } from './frames-to-events.ts'
export { betasOf, withBetas } from './venue-headers.ts'
export { fromVertexBody, toVertexBody, type VertexFacts } from './vertex-body.ts'

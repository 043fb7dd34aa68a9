import { Option } from 'commander'
import type { Setting } from './client-lines.ts'

/** Whose wire Claude Code speaks. */
export type VenueMode = 'bedrock' | 'mantle' | 'vertex' | 'foundry'

/** What leads Claude Code to a gateway in each of its modes for clouds, without a credential for the cloud. */
const modes: Readonly<Record<VenueMode, (url: string) => Readonly<Record<string, string>>>> = {
  bedrock: (url) => ({
    ANTHROPIC_BEDROCK_BASE_URL: url,
    CLAUDE_CODE_USE_BEDROCK: '1',
    CLAUDE_CODE_SKIP_BEDROCK_AUTH: '1',
  }),
  mantle: (url) => ({
    ANTHROPIC_BEDROCK_MANTLE_BASE_URL: `${url}/anthropic`,
    CLAUDE_CODE_USE_MANTLE: '1',
    CLAUDE_CODE_SKIP_MANTLE_AUTH: '1',
  }),
  // It insists on a project and a region, which are in its paths and decide nothing here.
  vertex: (url) => ({
    ANTHROPIC_VERTEX_BASE_URL: `${url}/v1`,
    CLAUDE_CODE_USE_VERTEX: '1',
    CLAUDE_CODE_SKIP_VERTEX_AUTH: '1',
    ANTHROPIC_VERTEX_PROJECT_ID: 'spillway',
    CLOUD_ML_REGION: 'global',
  }),
  foundry: (url) => ({
    ANTHROPIC_FOUNDRY_BASE_URL: `${url}/anthropic`,
    CLAUDE_CODE_USE_FOUNDRY: '1',
    CLAUDE_CODE_SKIP_FOUNDRY_AUTH: '1',
  }),
}

/** The variables of a mode, the address first. */
export function venueSettings(mode: VenueMode, url: string): readonly Setting[] {
  return Object.entries(modes[mode](url)).map(([name, value]) => ({ name, value }))
}

/** `--venue NAME` */
export const venueOption = (): Option =>
  new Option('--venue <name>', 'for Claude Code in the mode of a cloud').choices(Object.keys(modes))

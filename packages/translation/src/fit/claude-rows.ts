import type { ModelCapabilities } from './capabilities.ts'

/** What is known of some Claude models. */
export interface ClaudeRow {
  /** Names in lower case, with dashes for dots. */
  readonly models: RegExp
  readonly takes: Partial<ModelCapabilities>
  /** Where it was read. */
  readonly source: string
  /** When: year and month, or day. */
  readonly read: string
}

/** By the vendor's pages unless a row says otherwise. Where rows differ, the first one holds. */
export const claudeRows: readonly ClaudeRow[] = [
  {
    models: /opus-5-5/,
    takes: { thinking: ['adaptive'], forcedToolChoice: false },
    source: "What's new in Claude Opus 5.5",
    read: '2026-11-23',
  },
  {
    models: /sonnet-5-5/,
    takes: { thinking: ['adaptive', 'between_tools'], forcedToolChoice: false },
    source: "What's new in Claude Sonnet 5.5",
    read: '2026-11-23',
  },
  {
    models: /fable-5-1/,
    takes: { thinking: ['adaptive'], forcedToolChoice: false },
    source: "What's new in Claude Opus 5.5, migration from Fable 5.1",
    read: '2026-11-26',
  },
  {
    models: /sonnet-5(?!-\d)/,
    takes: { midSystem: false },
    source: 'reports of users (maximhq/bifrost#3945)',
    read: '2026-11-26',
  },
  {
    models: /claude-[a-z]+-[5-9](?!\d)/,
    takes: { midSystem: true },
    source: 'Messages API reference, roles of messages',
    read: '2026-11-23',
  },
  {
    models: /(?:fable|mythos)-5(?!-2)|(?:opus|sonnet)-5(?!-\d(?<!-5))|haiku-5-5/,
    takes: { contextTokens: 1_000_000, maxOutputTokens: 128_000 },
    source: 'Models overview',
    read: '2026-11-23',
  },
  {
    models: /haiku-4-5/,
    takes: { contextTokens: 200_000, maxOutputTokens: 64_000 },
    source: 'Models overview',
    read: '2026-11-23',
  },
  {
    models:
      /haiku-4-5|sonnet-4(?:-[0-5])?(?!\d|-\d{1,2}(?!\d))|opus-4(?:-[01])?(?!\d|-\d{1,2}(?!\d))|claude-3/,
    takes: { effort: false },
    source: 'Effort, supported models',
    read: '2026-11-23',
  },
  {
    models: /haiku-4-5|(?:opus|sonnet)-4(?:-[0-5])?(?!\d|-\d{1,2}(?!\d))|claude-3/,
    takes: { thinking: ['enabled', 'disabled'] },
    source: 'Extended thinking, Adaptive thinking',
    read: '2026-11-23',
  },
]

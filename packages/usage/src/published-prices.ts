import type { ModelPrice, PriceTable, Rate } from './price-table.ts'

/** https://platform.claude.com/docs/en/about-claude/pricing, and the page of each model beside it. */
const pricing = 'platform.claude.com/docs/en/about-claude/pricing'

/**
 * What Anthropic has published, as it was last compared. From the models of 4.5 on, Bedrock takes a tenth more for an answer that
 * stays in one region: https://platform.claude.com/docs/en/build-with-claude/claude-in-amazon-bedrock#regions
 */
function claude(
  checked: string,
  models: readonly string[],
  rate: Rate,
  more: Partial<ModelPrice> = {},
): ModelPrice {
  const usual = { provider: 'anthropic', webSearches: '10', regional: '1.1', source: pricing }
  return { ...usual, models, ...rate, checked, ...more }
}

const usd = (input: string, output: string, cacheRead?: string): Rate => ({
  input,
  output,
  ...(cacheRead !== undefined && { cacheRead }),
})

/** Prompts of more than 200,000 tokens were a beta with its own price until the long window became part of the price. */
const longWindow = { from: '2026-03-13' }
const above = 200_000

/** Models from before 4.5 cost the same in all regions. */
const oneForAll = { regional: undefined }

/** Prices of models that are no longer on the vendor's page are its last ones. */
const delisted = { ...oneForAll, source: `${pricing} (before the model was retired)` }

/**
 * The prices of Anthropic, and embedded models, which cost nothing for each token. A model whose price is not published, or
 * for which public lists contradict each other (`claude-mythos-preview`), is not in it: its calls are unpriced.
 */
export const publishedPrices: PriceTable = {
  prices: [
    claude('2026-11-12', ['claude-fable-5-2', 'claude-mythos-5-2'], usd('8', '40', '0.2'), {
      fast: usd('16', '80', '0.4'),
    }),
    claude('2026-10-24', ['claude-fable-5-1', 'claude-mythos-5-1'], usd('10', '50', '0.25')),
    claude('2026-10-24', ['claude-fable-5', 'claude-mythos-5'], usd('10', '50')),
    claude('2026-10-24', ['claude-opus-5-5'], usd('4', '20', '0.2'), { fast: usd('8', '40', '0.4') }),
    claude('2026-10-24', ['claude-opus-5', 'claude-opus-4-8'], usd('5', '25'), { fast: usd('10', '50') }),
    claude('2026-10-24', ['claude-opus-4-7', 'claude-opus-4-5'], usd('5', '25')),
    claude('2026-09-23', ['claude-opus-4-6'], usd('5', '25'), {
      longPrompt: { above, ...usd('10', '37.5') },
      fast: usd('30', '150'),
    }),
    claude('2026-10-24', ['claude-opus-4-6'], usd('5', '25'), { ...longWindow, fast: usd('30', '150') }),
    claude('2026-10-24', ['claude-opus-4-1', 'claude-opus-4-0'], usd('15', '75'), oneForAll),
    claude('2026-10-24', ['claude-sonnet-5-5'], usd('2', '10', '0.2')),
    claude('2026-10-24', ['claude-sonnet-5-5'], usd('2', '10', '0.1'), { from: '2026-10-07' }),
    claude('2026-10-24', ['claude-sonnet-5'], usd('2', '10')),
    claude('2026-09-23', ['claude-sonnet-4-6'], usd('3', '15'), {
      longPrompt: { above, ...usd('6', '22.5') },
    }),
    claude('2026-10-24', ['claude-sonnet-4-6'], usd('3', '15'), longWindow),
    claude('2026-09-23', ['claude-sonnet-4-5'], usd('3', '15'), {
      longPrompt: { above, ...usd('6', '22.5') },
    }),
    claude('2026-09-23', ['claude-sonnet-4-0'], usd('3', '15'), {
      longPrompt: { above, ...usd('6', '22.5') },
      ...oneForAll,
    }),
    claude('2026-10-24', ['claude-haiku-5-5'], usd('0.1', '0.5'), {
      longPrompt: { above: 100_000, ...usd('0.5', '2.5') },
    }),
    claude('2026-10-24', ['claude-haiku-4-5'], usd('1', '5')),
    claude(
      '2026-07-26',
      ['claude-3-7-sonnet', 'claude-3-5-sonnet', 'claude-3-sonnet'],
      usd('3', '15'),
      delisted,
    ),
    claude('2026-07-26', ['claude-3-5-haiku'], usd('0.8', '4'), delisted),
    claude('2026-07-26', ['claude-3-opus'], usd('15', '75'), delisted),
    // Its cache is rounded, not a multiple like the others'.
    claude(
      '2026-07-26',
      ['claude-3-haiku'],
      { ...usd('0.25', '1.25', '0.03'), cacheWrite: '0.3', cacheWrite1h: '0.5' },
      delisted,
    ),
    { provider: 'embedded', models: ['*'], input: '0', output: '0' },
  ],
  batch: '0.5',
  geo: { us: '1.1' },
}

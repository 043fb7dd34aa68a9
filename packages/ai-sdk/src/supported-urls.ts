import type { LanguageModelV4 } from '@ai-sdk/provider'

type SupportedUrls = Record<string, RegExp[]>

/** The URLs that all models fetch by themselves; the AI SDK downloads all others, since any model may have to answer. */
export async function urlsOfAll(models: readonly LanguageModelV4[]): Promise<SupportedUrls> {
  const [first = {}, ...others] = await Promise.all(models.map(({ supportedUrls }) => supportedUrls))
  const inAll = (type: string, { source, flags }: RegExp): boolean =>
    others.every((urls) => urls[type]?.some((other) => other.source === source && other.flags === flags))
  const shared = Object.entries(first).map(
    ([type, patterns]) => [type, patterns.filter((pattern) => inAll(type, pattern))] as const,
  )
  return Object.fromEntries(shared.filter(([, patterns]) => patterns.length > 0))
}

import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take long, the longest first: one that begins last would run alone at the end. Others follow by their size. */
const longest = [
  'apps/gateway/test/demo',
  'apps/gateway/test/claude-code',
  'apps/gateway/test/first-day',
  'apps/gateway/test/first-lines',
  'apps/dashboard/test/dashboard',
  'apps/gateway/test/signals',
  'packages/key-vault/test/kills',
  'apps/gateway/test/log-output',
  'apps/proving-ground/src/fault-book/',
  'apps/gateway/test/audit',
  'apps/gateway/test/hostile-bodies',
  'apps/gateway/test/cli',
  'packages/ledger/test/audit-keys',
  'apps/gateway/test/embedded',
  'apps/gateway/test/best-effort',
  'apps/proving-ground/src/outage/',
  'apps/gateway/test/passwords',
  'packages/local-model/src/engine-process',
  'apps/gateway/test/vault-cli',
]

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((name) => moduleId.includes(`/${name}`))
      return found === -1 ? longest.length : found
    }
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => rank(a) - rank(b))
  }
}

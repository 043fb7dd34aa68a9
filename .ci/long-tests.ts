/**
 * Test files that take long: they start whole gateways, browsers, databases and Claude Code again and again. They run where `CI` is set;
 * without them the tests take less than six minutes on two cores.
 */
export const longTests: readonly string[] = [
  'apps/dashboard/test/dashboard.test.ts',
  'apps/gateway/test/admin-login.test.ts',
  'apps/gateway/test/alerts*.test.ts',
  'apps/gateway/test/audit.test.ts',
  'apps/gateway/test/best-effort.test.ts',
  'apps/gateway/test/canary-paths.test.ts',
  'apps/gateway/test/claude-code*.test.ts',
  'apps/gateway/test/cli.test.ts',
  'apps/gateway/test/demo.test.ts',
  'apps/gateway/test/embedded.test.ts',
  'apps/gateway/test/endless-upstreams.test.ts',
  'apps/gateway/test/first-day.test.ts',
  'apps/gateway/test/hostile-*.test.ts',
  'apps/gateway/test/log-output.test.ts',
  'apps/gateway/test/operator-tasks.test.ts',
  'apps/gateway/test/passwords.test.ts',
  'apps/gateway/test/signals.test.ts',
  'apps/gateway/test/slow-clients.test.ts',
  'apps/gateway/test/vault-cli.test.ts',
  'apps/gateway/test/workers-*.test.ts',
  'apps/proving-ground/src/{agreement,fault-book,fuzz,outage,soak}/*.test.ts',
  'packages/key-vault/test/kills.test.ts',
  'packages/ledger/test/audit-keys.test.ts',
  'packages/ledger/test/migrations.test.ts',
]

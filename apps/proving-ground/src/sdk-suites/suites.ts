/** A test suite of an official client, as its public repository has it. */
export interface Suite {
  readonly name: string
  /** Where the sources are by default; `--NAME URL|FOLDER` says otherwise. */
  readonly repository: string
  /** Files of tests, from the root of the repository. */
  readonly tests: readonly string[]
  /** Files of tests that need a server or a key. */
  readonly online: readonly string[]
  /** Regular expressions of module names, and the paths in the repository that they mean. */
  readonly alias: readonly (readonly [find: string, path: string])[]
  /** Where the client calls its `fetch`: a text in a file, and what takes its place. */
  readonly hook: { readonly file: string; readonly find: string; readonly replace: string }
}

/** Both SDKs are made by the same generator. */
const constructed = {
  file: 'src/client.ts',
  find: 'this.fetch = options.fetch ?? Shims.getDefaultFetch();',
  replace: 'this.fetch = globalThis.wrapTested(options.fetch ?? Shims.getDefaultFetch());',
}

export const suites: readonly Suite[] = [
  {
    name: 'anthropic',
    repository: 'https://github.com/anthropics/anthropic-sdk-typescript.git',
    tests: ['tests/**/*.test.ts'],
    online: ['tests/api-resources/{beta,messages,skills}/**', 'tests/api-resources/[a-z]*.test.ts'],
    alias: [
      ['^@anthropic-ai/sdk$', 'src/index.ts'],
      ['^@anthropic-ai/sdk/(.*)$', 'src/$1'],
    ],
    hook: constructed,
  },
  {
    name: 'openai',
    repository: 'https://github.com/openai/openai-node.git',
    tests: ['tests/**/*.test.ts'],
    online: ['tests/api-resources/**', 'tests/live/**'],
    alias: [
      ['^openai$', 'src/index.ts'],
      ['^openai/(.*)$', 'src/$1'],
    ],
    hook: constructed,
  },
  {
    name: 'ai',
    repository: 'https://github.com/vercel/ai.git',
    tests: [
      'anthropic',
      'openai',
      'openai-compatible',
      'amazon-bedrock',
      'google-vertex',
      'azure',
      'provider-utils',
    ].map((name) => `packages/${name}/src/**/*.test.ts`),
    online: [],
    alias: [
      ['^@ai-sdk/([a-z-]+)$', 'packages/$1/src/index.ts'],
      ['^@ai-sdk/([a-z-]+)/(.+)$', 'packages/$1/src/$2'],
    ],
    hook: {
      file: 'packages/provider-utils/src/post-to-api.ts',
      find: 'const response = await fetch(url, {',
      replace: 'const response = await globalThis.wrapTested(fetch)(url, {',
    },
  },
]

/** What the suites import besides their own sources; test runner included. */
export const libraries: readonly string[] = [
  '@modelcontextprotocol/sdk@1',
  '@smithy/eventstream-codec@4',
  '@smithy/util-utf8@4',
  '@standard-schema/spec@1',
  '@workflow/serde@4',
  'aws4fetch@1',
  'deep-object-diff@1',
  'eventsource-parser@3',
  'fast-check@4',
  'google-auth-library@10',
  'iconv-lite@0.6',
  'json-schema-to-ts@3',
  'json-schema@0.4',
  'msw@2',
  'nock@14',
  'p-all@3',
  'standardwebhooks@1',
  'superstruct@2',
  'undici@7',
  'vitest@4',
  'ws@8',
  'zod@4',
]

import { readFileSync } from 'node:fs'
import { type DefaultTheme, defineConfig, type UserConfig } from 'vitepress'
import { siteUrl } from './address.ts'
import { codeHost, root } from './pages.ts'
import { sidebarOf } from './sidebar.ts'
import { slugOf } from './slug.ts'

/** In the order of the README. */
const packages = [
  ...readFileSync(`${root}README.md`, 'utf8').matchAll(/^\| \[`@spillway\/([a-z-]+)`\]/gm),
].map(([, name]) => name as string)

export const config: UserConfig<DefaultTheme.Config> = defineConfig({
  title: 'Spillway',
  description: 'Keeps an application that calls Claude answering when Claude is slow, limited or down.',
  srcDir: 'pages',
  srcExclude: ['public/**'],
  outDir: 'dist',
  cacheDir: 'node_modules/.cache/vitepress',
  base: siteUrl.pathname,
  cleanUrls: true,
  sitemap: { hostname: siteUrl.href },
  head: [
    ['link', { rel: 'icon', href: `${siteUrl.pathname}logo.svg`, type: 'image/svg+xml' }],
    [
      'link',
      { rel: 'alternate', type: 'text/plain', title: 'llms.txt', href: `${siteUrl.pathname}llms.txt` },
    ],
  ],
  // Anchors as the code host makes them: links to parts of pages lead there in both places.
  markdown: {
    anchor: { slugify: slugOf },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark' },
  },
  themeConfig: {
    logo: { src: '/logo.svg', alt: '' },
    nav: [
      { text: 'Start', link: '/start/wrap-fetch', activeMatch: '^/start/' },
      { text: 'Guides', link: '/guides/which-package', activeMatch: '^/guides/' },
      { text: 'Packages', link: '/packages/', activeMatch: '^/packages/' },
      { text: 'Gateway', link: '/gateway', activeMatch: '^/gateway' },
      {
        text: 'Reference',
        items: [
          { text: 'Configuration', link: '/configuration' },
          { text: 'Command line', link: '/cli' },
          { text: 'HTTP API', link: '/http-api' },
          { text: 'Changelog', link: '/changelog' },
        ],
      },
      {
        text: 'Evidence',
        items: [
          { text: 'Fault book', link: '/fault-book' },
          { text: 'Benchmarks', link: '/benchmarks' },
          { text: 'Security', link: '/security' },
          { text: 'Decisions', link: '/decisions/' },
        ],
      },
    ],
    sidebar: sidebarOf(root, packages),
    outline: { level: [2, 3] },
    search: { provider: 'local', options: { detailedView: false } },
    socialLinks: [{ icon: 'github', link: codeHost, ariaLabel: 'Source code' }],
    editLink: {
      pattern: ({ frontmatter }) =>
        `https://github.com/spillway/spillway/blob/main/${frontmatter.source ?? 'apps/site/src/front-page.ts'}`,
      text: 'The source of this page',
    },
    footer: { message: 'MIT license.' },
    docFooter: { prev: false, next: false },
  },
})
